"""The wire shapes of a save."""

from typing import Annotated, Literal

from pydantic import Field

from shared import domain
from shared.wire import (
    EXAMPLE_ACTIVITY,
    ActivityShape,
    Asked,
    Example,
    FieldValues,
    ItemId,
    ItemKey,
    Operation,
    RecordKey,
)


class SaveRequest(Asked):
    """What to save, where to, and with what."""

    item: ItemKey
    links: Annotated[
        tuple[RecordKey, ...],
        Field(max_length=100, description="At most one for now; empty saves without connecting."),
    ] = ()
    categories: FieldValues = Field(default_factory=dict)
    attachments: Literal["default"] | Annotated[tuple[ItemId, ...], Field(max_length=500)] = Field(
        "default", description="Ids of the attachments to save, or what the admin set as default."
    )
    scope: domain.Scope | None = Field(
        None, description='Meetings only. "series" is not offered yet and answers 422.'
    )
    follow: bool = Field(
        False,
        description="Save later replies too. Not offered yet: the item is saved, and the notice "
        "`follow_unavailable` says that it isn't followed.",
    )


SAVE = Operation(
    name="save_activity",
    method="POST",
    route="activities",
    summary="Save an e-mail or a meeting to the CRM",
    description="Saving the same item again, from whichever mailbox, answers 200 with the one "
    "record that there is. A draft e-mail can't be saved yet; a draft meeting can.",
    body=SaveRequest,
    answers={201: ActivityShape, 200: ActivityShape},
    problems=(
        "forbidden",
        "item_not_found",
        "record_not_found",
        "in_progress",
        "too_large",
        "too_many_links",
        "type_not_connectable",
        "excluded",
    ),
    example=Example(
        body={
            "item": {"kind": "email", "mailbox": "me", "id": "AAMkAGI2TG93AAA="},
            "links": [{"type": "opportunity", "id": "3b1f6c1e-0f5a-4f0e-9c55-2b7d7f3f9a01"}],
            "categories": {"new_topic": 100000001},
            "attachments": "default",
        },
        answer=EXAMPLE_ACTIVITY,
    ),
)
