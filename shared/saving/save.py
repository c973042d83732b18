"""Saves one Outlook item as one CRM record."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from shared.domain import (
    Activity,
    CategoryValue,
    File,
    Filing,
    Item,
    ItemRef,
    LookUp,
    Notice,
    RecordRef,
    Rejection,
    Saved,
)
from shared.errors import InvalidRequest
from shared.policy import Policy
from shared.ports import Crm, Mailbox
from shared.rules import check_categories, check_exclusions, one_link
from shared.saving import attachments
from shared.saving.attachments import Choice, Unusable
from shared.saving.whole import whole_text

_KEPT = Notice(
    "already_saved",
    "It was in the CRM already, and what was there was kept. Edit it to change the link or "
    "the fields.",
)

Check = Callable[[LookUp], Awaitable[None]]
"""Raises where, by what the CRM knows, the item is not to be saved."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which item to save, where to, and with what. `attachments` are ids."""

    ref: ItemRef
    links: tuple[RecordRef, ...] = ()
    categories: Mapping[str, CategoryValue] = field(default_factory=dict)
    attachments: Literal["default"] | Sequence[str] = "default"


@dataclass(frozen=True, slots=True)
class Opened:
    """An item that may be saved as ordered, as far as its mailbox and the policy have a say."""

    item: Item
    link: RecordRef | None
    categories: Mapping[str, CategoryValue]
    choice: Choice


async def save(order: Order, *, crm: Crm, mailbox: Mailbox, policy: Policy) -> Saved:
    """The one record of the item, made now or found: `open_item` and `save_opened`."""
    opened = await open_item(order, mailbox=mailbox, policy=policy)
    return await save_opened(opened, crm=crm, mailbox=mailbox, policy=policy)


async def open_item(order: Order, *, mailbox: Mailbox, policy: Policy) -> Opened:
    """Reads the item; asks the mailbox for nothing that the policy forbids.

    Raises `InvalidRequest`, `NotFound` (item_not_found).
    """
    check_order(order, policy)
    return opened(order, await mailbox.fetch(order.ref), policy)


def check_order(order: Order, policy: Policy) -> None:
    """What can be told before the item is read. Raises `InvalidRequest`."""
    kind = order.ref.kind
    if not policy.saves(kind):
        raise InvalidRequest(f"Your admin switched saving {kind}s off.")
    one_link(order.links, policy)
    check_categories(kind, order.categories, policy, whole=True)


def opened(order: Order, item: Item, policy: Policy) -> Opened:
    """The item that the mailbox gave, with what was chosen for it. Raises `InvalidRequest`."""
    check_exclusions(item, policy.exclusions)
    choice = attachments.choose(item.attachments, order.attachments, policy.attachments)
    return Opened(item, one_link(order.links, policy), order.categories, choice)


async def save_opened(
    opened: Opened,
    *,
    crm: Crm,
    mailbox: Mailbox,
    policy: Policy,
    check: Check | None = None,
) -> Saved:
    """The one record of the item, made now or found.

    The attachments are read while the CRM is looked up, and reading ends where the item turns out
    to be saved already. Raises `InvalidRequest`, `NotFound` (record_not_found), and what `check`
    raises, before anything is saved.
    """
    item, link, choice = opened.item, opened.link, opened.choice
    known, contents = await _look_up_while_reading(item, link, choice, crm, mailbox)
    if check is not None:
        await check(known)
    filing = Filing(known.link or link, opened.categories)
    files, rejected = _sort_out(item, choice, contents, known, mailbox)
    existing = known.existing
    if existing is None or not existing.complete:
        if known.body_cut:
            whole = await whole_text(item, policy.attachments, known.limits, mailbox)
            files += (whole,) if isinstance(whole, File) else ()
            rejected += (whole,) if isinstance(whole, Rejection) else ()
        saved, rejected = await _save_what_is_readable(item, filing, known, files, rejected, crm)
    elif existing.adopted:
        saved = await crm.save(item, filing, known, ())  # it has the files that its tool chose
    else:
        saved = Saved(existing.activity, created=False)
    return replace(saved, activity=_told(saved, rejected, filing))


async def _look_up_while_reading(
    item: Item, link: RecordRef | None, choice: Choice, crm: Crm, mailbox: Mailbox
) -> tuple[LookUp, Mapping[str, bytes | None]]:
    """Also the contents by `File.key` of what was read ahead, None where reading one failed."""
    small = attachments.small(choice.wanted)
    if not small:
        return await crm.look_up(item, link), {}
    reading = asyncio.ensure_future(mailbox.read_files(item.ref, [one.attachment for one in small]))
    try:
        known = await crm.look_up(item, link)
        if known.existing is not None and known.existing.complete:
            return known, {}
        contents = await reading
        return known, {one.key: content for one, content in zip(small, contents, strict=True)}
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


def _sort_out(
    item: Item,
    choice: Choice,
    contents: Mapping[str, bytes | None],
    known: LookUp,
    mailbox: Mailbox,
) -> tuple[tuple[File, ...], tuple[Rejection, ...]]:
    """The files to save and all that is refused, in the order of the item's attachments."""
    accepted, refused = attachments.accept(choice.wanted, known.limits)
    files = []
    rejected = [*choice.rejected, *refused]
    for one in accepted:
        content = contents.get(one.key)
        if one.key in contents:
            unfit = attachments.unfit(one.attachment, content, known.limits)
            if unfit is not None:
                rejected.append(unfit)
                continue
        files.append(
            attachments.file(one, content, limits=known.limits, mailbox=mailbox, ref=item.ref)
        )
    return tuple(files), tuple(rejected)


async def _save_what_is_readable(
    item: Item,
    filing: Filing,
    known: LookUp,
    files: tuple[File, ...],
    rejected: tuple[Rejection, ...],
    crm: Crm,
) -> tuple[Saved, tuple[Rejection, ...]]:
    """A file that proves unusable in the middle of the save is left out of the next attempt.

    Saving again is safe: the CRM finishes the record that the attempt before began.
    """
    while True:
        try:
            saved = await crm.save(item, filing, known, files)
        except Unusable as unusable:
            files = tuple(file for file in files if file.key != unusable.key)
            rejected = (*rejected, unusable.rejection)
        else:
            return saved, rejected


def _told(saved: Saved, rejected: tuple[Rejection, ...], filing: Filing) -> Activity:
    """The activity with all that the user should know of this save."""
    activity = saved.activity
    notices = list(activity.notices)
    if not saved.created and _differs(activity, filing):
        notices.append(_KEPT)
    return replace(activity, rejected=(*activity.rejected, *rejected), notices=tuple(notices))


def _differs(activity: Activity, filing: Filing) -> bool:
    """Something else was asked for than what the record has."""
    if filing.link is not None and not any(
        (link.type, link.id.casefold()) == (filing.link.type, filing.link.id.casefold())
        for link in activity.links
    ):
        return True
    return any(
        value is not None and activity.categories.get(name) != value
        for name, value in filing.categories.items()
    )
