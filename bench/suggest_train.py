"""Learns the weights of `suggest_links`: `python -m bench.suggest_train --dev DIR`.

A conditional logit: the chance of an option is the exponential of its weighted features, divided
by the sum over all options of its case. Only structural features go in; no text leaves the cases.
The penalty pulls each weight towards `EXPECTED`, which is what stands where the cases show no
example (nobody quotes a ticket number in them, say).
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.suggest_cases import Case, load_cases, load_snapshot

WEIGHTS = Path(__file__).parents[1] / "suggest_links" / "weights.json"

EXPECTED = {
    "conversation": 14.0,
    "reference_number": 12.0,
    "chosen_before": 1.5,
    "contact_on_record": 0.3,
    "owner": 0.1,
    "parent": 0.0,
    "age": 0.0,
    "closed": -1.0,
    "text": 10.0,
    "title": 1.0,
    "described": 0.0,
    "undescribed_unlike": 0.0,
    "account": 0.0,
    "account_parent": -1.0,
    "nothing": -3.0,
    "nothing_by_name": 1.0,
}
"""Every feature with the weight to expect of it before seeing any case."""

AT_LEAST = {
    "conversation": 14.0,
    "reference_number": 12.0,
    "chosen_before": 0.5,
    "contact_on_record": 0.2,
    "owner": 0.05,
    "text": 0.0,
    "title": 0.0,
}
"""What no number of cases may take away: these speak for a record, never against it, and the first
two for more than any words."""

# Filing to a wrong deal costs more than filing to the right customer's account.
ACCOUNT_CASE = 2.25
PENALTY = 2.0

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """A case's options, one row each in the order of `EXPECTED`, and which of them was right."""

    rows: Vector
    right: int
    weight: float


def examples(cases: Sequence[Case]) -> list[Example]:
    """Those cases whose right link is among their options ("nothing" is an option too)."""
    found = []
    for case in cases:
        right = [
            i
            for i, option in enumerate(case.options)
            if ((option.ref.type, option.ref.id) if option.ref else None) == case.gold
        ]
        if right:
            rows = [[o.features.get(name, 0.0) for name in EXPECTED] for o in case.options]
            to_account = case.gold is not None and case.gold[0] == "account"
            found.append(Example(np.array(rows), right[0], ACCOUNT_CASE if to_account else 1.0))
    return found


def fit(learned_from: Sequence[Example]) -> dict[str, float]:
    """The weights by feature: Newton's method on the penalised likelihood. A weight that would
    fall below what it must be at least is held there, and the others are learned again."""
    scale: Vector = np.std(np.vstack([example.rows for example in learned_from]), axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    least = np.array([AT_LEAST.get(name, -np.inf) for name in EXPECTED]) * scale
    expected = np.array(list(EXPECTED.values())) * scale
    held = np.zeros(len(expected), dtype=bool)
    while True:
        weights = _learn(learned_from, scale, np.where(held, least, expected), held)
        low = (weights < least) & ~held
        if not low.any():
            return dict(zip(EXPECTED, (weights / scale).tolist(), strict=True))
        held |= low


def _learn(
    learned_from: Sequence[Example], scale: Vector, expected: Vector, held: npt.NDArray[np.bool_]
) -> Vector:
    """Starts at what is expected, and leaves the held ones there."""
    weights = expected.copy()
    for _ in range(50):
        step = _step(learned_from, scale, weights, expected, ~held)
        weights = weights - step
        if np.abs(step).max() < 1e-7:
            break
    return weights


def _step(
    learned_from: Sequence[Example],
    scale: Vector,
    weights: Vector,
    expected: Vector,
    free: npt.NDArray[np.bool_],
) -> Vector:
    gradient = PENALTY * (weights - expected)
    curvature = PENALTY * np.eye(len(weights))
    for example in learned_from:
        rows = example.rows / scale
        sums = rows @ weights
        chances = np.exp(sums - sums.max())
        chances /= chances.sum()
        mean = chances @ rows
        gradient += example.weight * (mean - rows[example.right])
        curvature += example.weight * ((rows * chances[:, None]).T @ rows - np.outer(mean, mean))
    step = np.zeros(len(weights))
    step[free] = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
    return step


def write(table: Mapping[str, float], path: Path = WEIGHTS) -> None:
    rounded = {name: round(weight, 3) for name, weight in table.items()}
    path.write_text(json.dumps(rounded, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.suggest_train")
    parser.add_argument(
        "--dev", type=Path, required=True, help="the folder with crm.json and cases.jsonl"
    )
    given = parser.parse_args()
    cases = load_cases(given.dev / "cases.jsonl", load_snapshot(given.dev / "crm.json"))
    table = fit(examples(cases))
    write(table)
    for name, weight in table.items():
        print(f"{name:20s} {weight:8.3f}")


if __name__ == "__main__":
    main()
