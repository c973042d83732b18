"""Measures suggestions by the product's own code.

    python -m bench.suggest predict --crm CRM.json --input INPUT.jsonl > PREDICTIONS.jsonl
    python -m bench.suggest evaluate --dev DIR
    python -m bench.suggest speed

`predict` answers each message of the input with the shipped weights. `evaluate` learns anew on
nine tenths of the cases and answers the last tenth, ten times over, for several ways of dividing;
cases that share a company or a thread always stay together.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.suggest_cases import NOW, Case, ask, lines_of, load_cases, load_snapshot
from bench.suggest_figures import Answered, calibration_error, figures, table
from bench.suggest_train import examples, fit
from shared.domain import Body, Email, ItemRef, Participant, RecordRef, Role
from shared.suggestions import Account, Candidates, Contact, Record
from suggest_links.clues import find_clues
from suggest_links.logic import rank
from suggest_links.reading import read

FOLDS = 10
DIVISIONS = 5


def predict(crm: Path, questions: Path) -> None:
    snapshot = load_snapshot(crm)
    for row in lines_of(questions):
        ranked = ask(row["message"], snapshot).suggestions(NOW)
        suggestions = [
            {
                "type": one.record.type,
                "id": one.record.id,
                "score": round(one.score, 6),
                "reasons": [reason.code for reason in one.reasons],
            }
            for one in ranked
        ]
        print(json.dumps({"id": row["id"], "suggestions": suggestions}))


def evaluate(folder: Path) -> None:
    cases = load_cases(folder / "cases.jsonl", load_snapshot(folder / "crm.json"))
    rounds = [_cross_validated(cases, seed) for seed in range(1, DIVISIONS + 1)]
    print(table(rounds[0]))
    print("\nby way of dividing:")
    for answers in rounds:
        print(f"{'all':28s}{figures(answers).line()}  ECE {calibration_error(answers):.3f}")


def _cross_validated(cases: Sequence[Case], seed: int) -> list[Answered]:
    groups = sorted({case.group for case in cases})
    random.Random(seed).shuffle(groups)
    fold = {group: i % FOLDS for i, group in enumerate(groups)}
    answers: list[Answered] = []
    for held_out in range(FOLDS):
        learned = fit(examples([case for case in cases if fold[case.group] != held_out]))
        for case in cases:
            if fold[case.group] == held_out:
                found = case.question.suggestions(NOW, learned)
                ranked = [(one.record.type, one.record.id, one.score) for one in found]
                answers.append(Answered(case, ranked))
    return answers


def speed(candidates: int = 500, times: int = 200) -> None:
    """Times ranking alone, and reading and ranking together, on made-up text."""
    rng = random.Random(7)
    words = [
        "".join(rng.choices("abcdefghijklmnoprstuvwz", k=rng.randint(2, 11))) for _ in range(4000)
    ]

    def text(count: int) -> str:
        return " ".join(rng.choices(words, k=count))

    known = _crowd(candidates, text)
    ranking: list[float] = []
    whole: list[float] = []
    for _ in range(times):
        item = _message(text(10), text(250))
        start = time.perf_counter()
        reading = read(item)
        clues = find_clues(item, reading, {"ours.example"})
        middle = time.perf_counter()
        rank(item, reading, clues, known, NOW)
        end = time.perf_counter()
        ranking.append((end - middle) * 1000)
        whole.append((end - start) * 1000)
    for name, taken in (("ranking", ranking), ("reading and ranking", whole)):
        taken = sorted(taken[5:])
        p50, p99 = taken[len(taken) // 2], taken[int(len(taken) * 0.99)]
        print(f"{name:20s} {candidates} candidates: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    print(f"{'imports added':20s} {_imports():.0f} ms (tables included)")


def _crowd(count: int, text: Callable[[int], str]) -> Candidates:
    account = Account(RecordRef("account", "a", "Northwind"), ("northwind.example",))
    contact = Contact(RecordRef("contact", "c", "Ann Ode"), ("ann@northwind.example",), "a")
    records = tuple(
        Record(
            ref=RecordRef("case" if i % 2 else "opportunity", f"r{i}", text(6)),
            description=text(120),
            number=f"CAS-{i:05d}",
            account_id="a",
            modified_at=NOW - timedelta(days=i % 90),
        )
        for i in range(count)
    )
    return Candidates(contacts=(contact,), accounts=(account,), records=records)


def _message(subject: str, body: str) -> Email:
    return Email(
        ref=ItemRef("email", "me", ""),
        message_id="<1@northwind.example>",
        conversation_id="conversation",
        subject=subject,
        body=Body(body, html=False),
        participants=(
            Participant("ann@northwind.example", "Ann Ode", Role.SENDER),
            Participant("bob@ours.example", "Bob Ours", Role.TO),
        ),
        sent_at=datetime(2025, 6, 29, tzinfo=UTC),
        received_at=None,
        is_draft=False,
    )


_IMPORTS = """
import time, asyncio, email, logging, json, importlib.metadata, shared.domain, shared.errors
start = time.perf_counter()
from suggest_links import logic, clues, reading
from shared.mail_domains import lineage
from suggest_links.similarity import terms
lineage("example.com"), terms("x"), logic.weights()
print(time.perf_counter() - start)
"""


def _imports() -> float:
    """Milliseconds that the room adds to a worker with the rest of the app, the best of five."""
    runs = [
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", _IMPORTS], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(5)
    ]
    return min(float(run) for run in runs) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.suggest")
    commands = parser.add_subparsers(dest="command", required=True)
    asked = commands.add_parser("predict", help="answer a file of messages")
    asked.add_argument("--crm", type=Path, required=True)
    asked.add_argument("--input", type=Path, required=True)
    tested = commands.add_parser("evaluate", help="cross-validate on cases with known answers")
    tested.add_argument("--dev", type=Path, required=True)
    commands.add_parser("speed", help="time ranking and imports")
    given = parser.parse_args()
    if given.command == "predict":
        predict(given.crm, given.input)
    elif given.command == "evaluate":
        evaluate(given.dev)
    else:
        speed()


if __name__ == "__main__":
    main()
