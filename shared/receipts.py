"""What is kept of work that goes on after its answer: ids and choices, never what an item says."""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from shared.domain import Notice

ReceiptStatus = Literal["queued", "pending_send", "saved", "failed"]

KEPT = timedelta(days=30)
"""How long a receipt can be asked for."""

_TIME_DIGITS = 12
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why nothing was saved: the code and detail of a `ThreadlineError`."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the items that were asked for are done, `total` of them all in all."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """`owner` is the Entra object id of whoever asked, and whose it is alone.

    `asked` is the request as JSON, of ids and choices only. `not_before` is when a service that
    asked to wait may be asked again. A draft's is `pending_send` until it is sent, at `queued_at`;
    others were queued when they were made. `progress` is there where many items were asked for.
    `notices` and `failure` are the outcome. `version` is the ledger's, empty before the receipt is
    in it.
    """

    id: str
    owner: str
    asked: str
    status: ReceiptStatus = "queued"
    not_before: datetime | None = None
    queued_at: datetime | None = None
    progress: Progress | None = None
    notices: tuple[Notice, ...] = ()
    failure: Failure | None = None
    version: str = ""


def new_id(now: datetime) -> str:
    """32 hex digits that nobody can guess; the later the moment, the later in the alphabet."""
    return first_id(now) + secrets.token_hex(10)


def is_id(text: str) -> bool:
    """Whether an id can look so."""
    return _ID.fullmatch(text) is not None


def first_id(moment: datetime) -> str:
    """What every id made before that moment comes before, and no id made since."""
    return f"{int(moment.timestamp() * 1000):0{_TIME_DIGITS}x}"


def made_at(id: str) -> datetime:
    """When that id was made, to the millisecond."""
    return datetime.fromtimestamp(int(id[:_TIME_DIGITS], 16) / 1000, UTC)
