"""Task and its relations. Object Reference, Task and TaskRelation."""

from sandbox.salesforce import errors
from sandbox.salesforce.drafts import Draft
from sandbox.salesforce.rows import stamp
from sandbox.salesforce.rules import whos
from sandbox.salesforce.rules.model import Rule
from sandbox.salesforce.session import Session
from sandbox.store import Row

WHO_LIST = "TaskWhoIds"
COMPLETED = "Completed"
_RELATION = "TaskRelation"


def _before(session: Session, draft: Draft) -> None:
    row = draft.row
    if row.get("IsRecurrence"):
        raise errors.unsupported("recurring tasks")
    row["IsClosed"] = row.get("Status") == COMPLETED
    was_closed = draft.old is not None and draft.old.get("IsClosed")
    if row["IsClosed"] and not was_closed:
        row["CompletedDateTime"] = stamp(session.rows.now())
    elif not row["IsClosed"]:
        row["CompletedDateTime"] = None
    row["IsHighPriority"] = row.get("Priority") == "High"
    whos.choose(draft, WHO_LIST)
    whos.derive_account(session, row)


def _after(session: Session, draft: Draft) -> None:
    if draft.old is None or draft.lists or draft.given & {"WhoId", "WhatId"}:
        whos.relate(session, draft, WHO_LIST, _RELATION)


def _removing(session: Session, task: Row) -> None:
    whos.drop(session, task, _RELATION, "TaskId")


def _before_relation(session: Session, draft: Draft) -> None:
    row = draft.row
    if draft.old is not None or not row.get("TaskId") or not row.get("RelationId"):
        return
    others = session.rows.pointing(_RELATION, "TaskId", row["TaskId"])
    if any(other["RelationId"] == row["RelationId"] for other in others):
        raise errors.duplicate_value("<unknown>", "<unknown>")


RULES = {
    "Task": Rule(before=_before, after=_after, removing=_removing),
    _RELATION: Rule(before=_before_relation),
}
