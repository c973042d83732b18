"""Saves one Outlook item at somebody's click."""

from dataclasses import replace

from save_activity.payload import SaveRequest
from shared.domain import Item, Notice, Saved
from shared.errors import FieldError, InvalidRequest
from shared.policy import Policy
from shared.ports import Crm, Mailbox
from shared.saving import save as saving
from shared.saving.save import Opened

_NOT_FOLLOWED = Notice(
    "follow_unavailable", "It is saved, but later replies are not saved by themselves yet."
)


async def save(request: SaveRequest, *, crm: Crm, mailbox: Mailbox, policy: Policy) -> Saved:
    """The one record of the item, made now or found: `open_item` and `save_opened`."""
    opened = await open_item(request, mailbox=mailbox, policy=policy)
    return await save_opened(opened, request, crm=crm, mailbox=mailbox, policy=policy)


async def open_item(request: SaveRequest, *, mailbox: Mailbox, policy: Policy) -> Opened:
    """Raises `InvalidRequest`, `NotFound` (item_not_found)."""
    _check_scope(request)
    opened = await saving.open_item(request.order(), mailbox=mailbox, policy=policy)
    _check_item(opened.item)
    return opened


async def save_opened(
    opened: Opened, request: SaveRequest, *, crm: Crm, mailbox: Mailbox, policy: Policy
) -> Saved:
    """As `shared.saving.save.save_opened`."""
    saved = await saving.save_opened(opened, crm=crm, mailbox=mailbox, policy=policy)
    if not request.follow:
        return saved
    notices = (*saved.activity.notices, _NOT_FOLLOWED)
    return replace(saved, activity=replace(saved.activity, notices=notices))


def _check_scope(request: SaveRequest) -> None:
    kind = request.item.kind
    if request.scope == "series" or (request.scope is not None and kind == "email"):
        reason = (
            "A whole series can't be saved yet; save one occurrence."
            if kind == "meeting"
            else "Only a meeting has a scope."
        )
        raise InvalidRequest(reason, errors=(FieldError("scope", reason),))


def _check_item(item: Item) -> None:
    if item.kind == "email" and item.is_draft:
        raise InvalidRequest("A draft e-mail can't be saved yet; save it once it is sent.")
    if item.kind == "meeting" and item.is_series:
        raise InvalidRequest("A whole series can't be saved yet; save one occurrence.")
