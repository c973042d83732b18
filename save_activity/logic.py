"""Saves one Outlook item at somebody's click."""

from save_activity.payload import SaveRequest
from shared.domain import Item, Saved
from shared.errors import FieldError, InvalidRequest
from shared.policy import Policy
from shared.ports import Crm, Mailbox
from shared.saving import save as saving
from shared.saving.save import Opened

_CHOOSE = (
    'This is a whole series. Choose scope "series" to save its meetings of the next weeks, or save '
    "one of them by its own id."
)

NOT_SENT = "This deployment does not wait for drafts to be sent; save the e-mail once it is sent."


async def save(request: SaveRequest, *, crm: Crm, mailbox: Mailbox, policy: Policy) -> Saved:
    """The one record of the item, made now or found. Raises as `open_item` and `save_opened`."""
    opened = await open_item(request, mailbox=mailbox, policy=policy)
    refuse_draft(opened.item)
    return await saving.save_opened(opened, crm=crm, mailbox=mailbox, policy=policy)


def check_scope(request: SaveRequest) -> None:
    """Raises `InvalidRequest` where an item of that kind has no such scope."""
    scope, kind = request.scope, request.item.kind
    if scope is None or (scope == "conversation") == (kind == "email"):
        return
    reason = (
        "An e-mail has no occurrences; its conversation can be saved."
        if kind == "email"
        else "A meeting has no conversation; its series can be saved."
    )
    raise InvalidRequest(reason, errors=(FieldError("scope", reason),))


async def open_item(request: SaveRequest, *, mailbox: Mailbox, policy: Policy) -> Opened:
    """Raises `InvalidRequest`, also for a whole series; `NotFound` (item_not_found)."""
    opened = await saving.open_item(request.order(), mailbox=mailbox, policy=policy)
    if opened.item.kind == "meeting" and opened.item.is_series:
        raise InvalidRequest(_CHOOSE, errors=(FieldError("scope", _CHOOSE),))
    return opened


def is_draft(item: Item) -> bool:
    """Whether it has to be sent first: a draft e-mail. A draft meeting can be saved as it is."""
    return item.kind == "email" and item.is_draft


def refuse_draft(item: Item) -> None:
    """Raises `InvalidRequest` for what has to be sent first."""
    if is_draft(item):
        raise InvalidRequest(NOT_SENT)
