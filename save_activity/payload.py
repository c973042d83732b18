"""The wire shapes of a save."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from shared import domain, receipts
from shared.saving.save import Order
from shared.wire import (
    EXAMPLE_ACTIVITY,
    ActivityShape,
    Answered,
    Asked,
    Example,
    FieldValues,
    ItemId,
    ItemKey,
    Operation,
    Problem,
    RecordId,
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

    def order(self) -> Order:
        links = tuple(key.ref() for key in self.links)
        return Order(self.item.ref(), links, self.categories, self.attachments)


class ReceiptShape(Answered):
    """What became of a save that was put off."""

    receipt: str
    status: receipts.ReceiptStatus
    activity: ActivityShape | None = Field(
        None,
        description="As the CRM has it now, where `saved`; missing where it can't be read now or "
        "is not there any more.",
        exclude_if=lambda activity: activity is None,
    )
    problem: Problem | None = Field(
        None, description="Where `failed`.", exclude_if=lambda problem: problem is None
    )


class ReceiptKey(Asked):
    """The path of one receipt."""

    receipt: RecordId


class QueuedSave(Asked):
    """The queue's message: whose receipt, and which."""

    owner: RecordId
    receipt: RecordId


_QUEUED: Mapping[str, Any] = {"receipt": "019c0e5b3f7a8d1e2c4b6a5f90817263", "status": "queued"}

SAVE = Operation(
    name="save_activity",
    method="POST",
    route="activities",
    summary="Save an e-mail or a meeting to the CRM",
    description="Saving the same item again, from whichever mailbox, answers 200 with the one "
    "record that there is. A draft e-mail can't be saved yet; a draft meeting can. 202 where the "
    "CRM can't take it now: it is saved later, and the receipt tells when it is.",
    body=SaveRequest,
    answers={201: ActivityShape, 200: ActivityShape, 202: ReceiptShape},
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
        others={202: _QUEUED},
    ),
)

RECEIPT = Operation(
    name="read_receipt",
    method="GET",
    route="receipts/{receipt}",
    summary="What became of a save that was put off",
    description="Kept for 30 days, for the person who saved, and for nobody else. Attachments that "
    "were not saved are told by the notice `attachments_rejected`.",
    path=ReceiptKey,
    answers={200: ReceiptShape},
    problems=("record_not_found",),
    example=Example(
        answer={**_QUEUED, "status": "saved", "activity": EXAMPLE_ACTIVITY},
    ),
)
