"""The wire shapes of a delete."""

from typing import Literal, Self

from shared import domain
from shared.wire import ActivityKey, Answered, Example, Operation


class DeletionShape(Answered):
    kind: domain.ActivityKind
    id: str
    deleted: Literal[True] = True
    message: str

    @classmethod
    def of(cls, deletion: domain.Deletion) -> Self:
        return cls(kind=deletion.kind, id=deletion.id, message=deletion.message)


DELETE = Operation(
    name="delete_activity",
    method="DELETE",
    route="activities/{kind}/{id}",
    summary="Remove the record from the CRM",
    description="The e-mail stays in the mailbox, and nobody's meeting is cancelled. What was "
    "followed with this record is not followed any more.",
    path=ActivityKey,
    answers={200: DeletionShape},
    problems=("forbidden", "record_not_found", "in_progress"),
    example=Example(
        answer={
            "kind": "email",
            "id": "7f9c2ba4-1f0b-5c63-9f0b-0d5a8a0f6f11",
            "deleted": True,
            "message": "The e-mail was removed from the CRM.",
        }
    ),
)
