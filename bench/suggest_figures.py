"""The figures that suggestions are measured by."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.suggest_cases import Case

DEALS = frozenset({"opportunity", "case", "lead"})
_BINS = 10

Ranked = Sequence[tuple[str, str, float]]
"""Type, id and score, the best first."""


@dataclass(frozen=True, slots=True)
class Answered:
    case: Case
    ranked: Ranked

    def place(self) -> int:
        """The place of the right record among those of its own kind, 1 for the first, 0 where it
        is missing. Where a deal is right, accounts and contacts don't count (they are shown apart);
        where an account is right, a deal above it is an error."""
        gold = self.case.gold
        if gold is None:
            return 0
        kinds = DEALS if gold[0] in DEALS else DEALS | {"account"}
        listed = [one[:2] for one in self.ranked if one[0] in kinds]
        return listed.index(gold) + 1 if gold in listed else 0

    def first_is_right(self) -> bool:
        """Stricter: the very first suggestion, of whatever kind, is the right one."""
        return bool(self.ranked) and self.ranked[0][:2] == self.case.gold


@dataclass(frozen=True, slots=True)
class Figures:
    """`nothing_*` are None where no case has that answer."""

    cases: int
    linked: int
    hit1: float
    hit3: float
    mrr: float
    strict1: float
    nothing_precision: float | None
    nothing_recall: float | None

    def line(self) -> str:
        def shown(value: float | None) -> str:
            return "   -  " if value is None else f"{value:6.3f}"

        rates = (self.hit1, self.hit3, self.mrr, self.strict1)
        known = [shown(rate if self.linked else None) for rate in rates]
        nothing = [shown(self.nothing_precision), shown(self.nothing_recall)]
        return f"{self.cases:5d} {self.linked:6d} " + " ".join(known + nothing)


HEADING = f"{'':28s}cases linked  hit@1  hit@3    MRR strict n.prec  n.rec"


def figures(answers: Sequence[Answered]) -> Figures:
    places = [a.place() for a in answers if a.case.gold is not None]
    empty = [a for a in answers if not a.ranked]
    null = [a for a in answers if a.case.gold is None]
    return Figures(
        cases=len(answers),
        linked=len(places),
        hit1=_mean([place == 1 for place in places]),
        hit3=_mean([1 <= place <= 3 for place in places]),
        mrr=_mean([1 / place if place else 0.0 for place in places]),
        strict1=_mean([a.first_is_right() for a in answers if a.case.gold is not None]),
        nothing_precision=_mean([a.case.gold is None for a in empty]) if empty else None,
        nothing_recall=_mean([not a.ranked for a in null]) if null else None,
    )


def calibration_error(answers: Sequence[Answered]) -> float:
    """How far the first suggestion's score lies from its being right, over ten bins of scores."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(_BINS)]
    for answer in answers:
        if answer.ranked:
            score = answer.ranked[0][2]
            bins[min(_BINS - 1, int(score * _BINS))].append((score, answer.first_is_right()))
    total = sum(map(len, bins))
    gaps = (
        len(one) / total * abs(fmean(score for score, _ in one) - fmean(right for _, right in one))
        for one in bins
        if one
    )
    return sum(gaps)


def table(answers: Sequence[Answered]) -> str:
    """All cases, then by language, source, kind of gold and category."""
    groups: dict[str, list[Answered]] = {"all": list(answers)}
    for answer in sorted(answers, key=lambda a: a.case.id):
        for name in _groups(answer.case):
            groups.setdefault(name, []).append(answer)
    lines = [f"{name:28s}{figures(groups[name]).line()}" for name in sorted(groups)]
    return "\n".join([HEADING, *lines, f"calibration error {calibration_error(answers):.3f}"])


def _groups(case: Case) -> list[str]:
    names = [f"language {case.language}", f"source {case.source}", *sorted(case.categories)]
    names += [f"gold {case.gold[0]}"] if case.gold else []
    names += ["real text"] if case.source in ("usrp-users", "github-issues") else []
    names += ["language not en"] if case.language != "en" else []
    return names


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else 0.0
