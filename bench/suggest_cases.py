"""Evaluation cases as the product sees them, and which of them belong together."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.snapshot import Snapshot, item_of
from shared.domain import Email, Item
from shared.suggestions import Candidates, Clues, Suggestion
from suggest_links.clues import find_clues
from suggest_links.features import Option, options
from suggest_links.logic import rank
from suggest_links.reading import Reading, read
from suggest_links.relations import relate

NOW = datetime(2025, 6, 30, 12, tzinfo=UTC)
"""The moment that the snapshots were taken."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a predictor may read of a case, prepared by the product's own code."""

    item: Item
    reading: Reading
    clues: Clues
    candidates: Candidates

    def suggestions(
        self, now: datetime, table: Mapping[str, float] | None = None
    ) -> tuple[Suggestion, ...]:
        """By the shipped weights, or by others."""
        return rank(self.item, self.reading, self.clues, self.candidates, now, table)


@dataclass(frozen=True, slots=True)
class Case:
    """`gold` is type and id, None for "nothing". `account` is the company behind the gold record.
    `group` is the same for cases that share a company or a thread."""

    id: str
    question: Question
    options: Sequence[Option]
    gold: tuple[str, str] | None
    account: str | None
    source: str
    language: str
    categories: frozenset[str]
    group: str


def load_snapshot(path: Path) -> Snapshot:
    return Snapshot(json.loads(path.read_text(encoding="utf-8")))


def lines_of(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def ask(message: Mapping[str, Any], snapshot: Snapshot) -> Question:
    item = item_of(message)
    reading = read(item)
    clues = find_clues(item, reading, snapshot.own_domains)
    return Question(item, reading, clues, snapshot.candidates(clues, NOW))


def load_cases(path: Path, snapshot: Snapshot) -> list[Case]:
    rows = lines_of(path)
    questions = [ask(row["message"], snapshot) for row in rows]
    groups = _groups(rows, questions)
    return [
        Case(
            id=row["id"],
            question=question,
            options=_options(question),
            gold=(row["gold"]["type"], row["gold"]["id"]) if row["gold"] else None,
            account=row["gold_account"],
            source=row["source"],
            language=row["lang"],
            categories=frozenset(row["categories"]),
            group=group,
        )
        for row, question, group in zip(rows, questions, groups, strict=True)
    ]


def _options(question: Question) -> Sequence[Option]:
    sent = question.item.sent_at if isinstance(question.item, Email) else None
    relations = relate(question.clues, question.candidates)
    return options(question.reading, question.clues, question.candidates, relations, sent or NOW)


def _groups(rows: Sequence[Mapping[str, Any]], questions: Sequence[Question]) -> list[str]:
    """Joins all that share an account in reach, a lead, a conversation or an origin."""
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        parents.setdefault(name, name)
        while parents[name] != name:
            name = parents[name]
        return name

    for row, question in zip(rows, questions, strict=True):
        for tie in _shared(row, question):
            parents[root(tie)] = root("case " + row["id"])
    return [root("case " + row["id"]) for row in rows]


def _shared(row: Mapping[str, Any], question: Question) -> Iterable[str]:
    yield "origin " + str(row["origin"])
    yield "conversation " + row["message"]["conversation_id"]
    if row["gold_account"]:
        yield "account " + row["gold_account"]
    for account in question.candidates.accounts:
        yield "account " + account.ref.id
        if account.parent_id:
            yield "account " + account.parent_id
    for record in question.candidates.records:
        yield from ("lead " + address for address in record.addresses)
