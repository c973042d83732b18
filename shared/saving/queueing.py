"""The queue of saves to be finished, and its messages: whose receipt, and which. No more."""

from pydantic import BaseModel, ConfigDict

from shared.receipts import Receipt
from shared.wire import RecordId

QUEUE = "deferred-saves"


class QueuedSave(BaseModel):
    """Asks that a receipt's save be done, or gone on with."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    owner: RecordId
    receipt: RecordId


def message(receipt: Receipt) -> str:
    """The message for that receipt."""
    return QueuedSave(owner=receipt.owner, receipt=receipt.id).model_dump_json()


def read(body: bytes) -> QueuedSave:
    """Raises pydantic's ValidationError."""
    return QueuedSave.model_validate_json(body)
