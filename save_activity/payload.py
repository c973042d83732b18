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

Scope = domain.Scope | Literal["conversation"]


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
    scope: Scope | None = Field(
        None,
        description='"series" saves the meetings of a series from today to 90 days ahead, at most '
        "100 of them, each as a record of its own, whichever of them or the series is named; "
        'the answer is the next one\'s record. "occurrence", or nothing, saves the one meeting '
        'that is named. "conversation" saves an e-mail and the messages of its conversation, at '
        "most the newest 200, and answers 202.",
    )
    follow: bool | None = Field(
        None,
        description="Save later replies, or changes of the meeting, by themselves; left out or "
        "null: as the admin chose. The notice `following` says that they are, "
        "`follow_unavailable` that it was wanted and is not possible. true also begins again what "
        "was stopped.",
    )

    def order(self) -> Order:
        links = tuple(key.ref() for key in self.links)
        return Order(self.item.ref(), links, self.categories, self.attachments)


class ConversationSave(SaveRequest):
    """What is kept of a request to save a conversation: also the ids of its messages once they are
    known, that of the one clicked on first, and how many were left out for what reason."""

    messages: tuple[ItemId, ...] = ()
    left_out: dict[str, int] = Field(default_factory=dict)


class ProgressShape(Answered):
    """How many messages of a conversation are done; those that were left out count too."""

    done: int
    total: int


class ReceiptShape(Answered):
    """What became of a save that was put off."""

    receipt: str
    status: receipts.ReceiptStatus = Field(
        description="`pending_send`: it is saved once the draft is sent."
    )
    progress: ProgressShape | None = Field(
        None,
        description="Of a conversation, once its messages are known.",
        exclude_if=lambda progress: progress is None,
    )
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


_QUEUED: Mapping[str, Any] = {"receipt": "019c0e5b3f7a8d1e2c4b6a5f90817263", "status": "queued"}

SAVE = Operation(
    name="save_activity",
    method="POST",
    route="activities",
    summary="Save an e-mail or a meeting to the CRM",
    description="Saving the same item again, from whichever mailbox, answers 200 with the one "
    "record that there is. 202 where it is saved later, and the receipt tells when: where the CRM "
    "can't take it now (`queued`), for a draft e-mail once it is sent (`pending_send`; 422 where "
    "this deployment doesn't follow mailboxes), and for a whole conversation (422 where it doesn't "
    "work in the background). Notices: `following`, `follow_unavailable`, `series_saved`, and how "
    "the record came to be: `followed_thread`, `draft_sent`, `conversation`, `series`, "
    "`shared_mailbox`.",
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
