"""A message came to be in a mailbox: is it a draft that is waited for, or an answer to save."""

from dataclasses import replace

from graph_notifications import drafts
from graph_notifications.threads import (
    anyone_known,
    own_addresses,
    some_took_part,
    thread_of,
    with_people,
    with_waiting,
    without,
)
from graph_notifications.work import FINAL, Done, Parts, ref, refused, unfiled
from shared.domain import Email, LookUp, Saved, identity
from shared.errors import Conflict, InvalidRequest, NotFound
from shared.following import PROLONGED, THREAD_FOLLOWED, Filed, FollowedThread, Origin
from shared.notifications import ItemChanged
from shared.participants import outsiders
from shared.ports import Mailbox
from shared.saving.automatic import LeftOut, check_item
from shared.saving.save import Check, Order, opened, save_opened

_TRIES = 5


class _Stranger(Exception):
    """Nobody from outside who takes part in it took part in its thread before."""


class _Changed(Exception):
    """Something was written to the thread since it was read."""


async def look(changed: ItemChanged, parts: Parts) -> Done:
    """Raises where it is to be looked at again."""
    mailbox = parts.mailbox(changed.mailbox)
    draft = await parts.books.followings.draft(changed.mailbox, changed.item)
    if draft is not None:
        done = await drafts.look(draft, mailbox, parts)
        if done is not None:
            return done
    try:
        email = await mailbox.fetch(ref("email", changed.item))
    except NotFound:
        return Done("gone")
    if not isinstance(email, Email):
        raise TypeError("An e-mail is no meeting.")
    for _ in range(_TRIES):
        thread = await thread_of(email, changed.mailbox, parts.books.followings, parts.now)
        if isinstance(thread, str):
            return Done(thread)
        try:
            return await _decided(email, thread, mailbox, parts)
        except _Changed:
            continue
    raise Conflict("The thread is being changed at this moment.")


async def _decided(email: Email, thread: FollowedThread, mailbox: Mailbox, parts: Parts) -> Done:
    """Raises `_Changed` where somebody may have come in meanwhile whom it was left out for."""
    try:
        check_item(email, parts.policy)
        if not anyone_known(email, thread):
            raise _Stranger
        if email.suspected and await mailbox.is_junk(email.ref):
            return Done("junk")  # taken out of there, it is told again
        return await _saved(email, thread, mailbox, parts)
    except LeftOut as left_out:
        return Done("internal_only" if left_out.why == "internal" else left_out.why)
    except _Stranger:
        await _wait(email, thread, parts)
        return Done("stranger")


async def _wait(email: Email, thread: FollowedThread, parts: Parts) -> None:
    """It is looked at again once a day."""
    if email.ref.id in thread.waiting:
        return
    try:
        await parts.books.followings.put_thread(with_waiting(thread, email.ref.id))
    except Conflict:
        raise _Changed from None


async def _saved(email: Email, thread: FollowedThread, mailbox: Mailbox, parts: Parts) -> Done:
    """Saves it, and then makes known that it is, so that a run in between is made good by the next.

    Where the CRM or the policy doesn't take the thread's choices any more, as when its record is
    gone, the message is saved without them.
    """
    try:
        saved = await _save(email, thread, thread.filed, mailbox, parts)
        outcome = "saved" if saved.created else "known"
    except (InvalidRequest, NotFound):
        try:
            saved = await _save(email, thread, unfiled(thread.filed), mailbox, parts)
        except FINAL as error:
            await _wait(email, thread, parts)
            return refused(error)
        outcome = "saved_without_choices"
    except FINAL as error:
        await _wait(email, thread, parts)
        return refused(error)
    again = await _grown(thread, email, parts)
    if email.message_id:
        # last of all, since what is known is not looked at again; and not what it refers to: such a
        # message may still be on its way to us
        await parts.books.followings.know_messages(thread.mailbox, thread.id, [email.message_id])
    return Done(outcome, again)


async def _save(
    email: Email, thread: FollowedThread, filed: Filed, mailbox: Mailbox, parts: Parts
) -> Saved:
    order = Order(
        ref=email.ref,
        links=(filed.link,) if filed.link else (),
        categories=filed.categories,
        attachments="default" if filed.default_files else (),
    )
    return await save_opened(
        opened(order, email, parts.policy),
        crm=parts.crm(thread.owner),
        mailbox=mailbox,
        policy=parts.policy,
        check=_check(email, thread, parts),
    )


def _check(email: Email, thread: FollowedThread, parts: Parts) -> Check:
    """Why the message is saved is told before it is: a run that ends in between leaves no record
    without its reason, and the next one makes the record."""

    async def check(known: LookUp) -> None:
        external = outsiders(email, known.parties, own_addresses(thread.mailbox))
        if not external:
            raise LeftOut("internal")
        if not some_took_part(external, email, thread):
            raise _Stranger
        if known.existing is None:
            await parts.books.origins.add(
                Origin(identity(email), "followed_thread", thread.owner, thread.mailbox)
            )

    return check


async def _grown(thread: FollowedThread, email: Email, parts: Parts) -> tuple[ItemChanged, ...]:
    """Who takes part in it takes part in the thread, which is followed for longer. Gives the
    messages to be looked at again where somebody came in."""
    followings, until = parts.books.followings, parts.now + THREAD_FOLLOWED
    for _ in range(_TRIES):
        grown = without(with_people(thread, email, parts.now), email.ref.id)
        if grown != thread or until - thread.until >= PROLONGED:
            try:
                await followings.put_thread(replace(grown, until=max(thread.until, until)))
            except Conflict:
                current = await followings.thread(thread.mailbox, thread.id)
                if current is None or current.stopped:
                    return ()
                thread = current
                continue
        waiting = grown.waiting if grown.newcomers != thread.newcomers else ()
        return tuple(
            ItemChanged(mailbox=thread.mailbox, kind="email", at=parts.now, item=item)
            for item in waiting
        )
    raise Conflict("The thread is being changed at this moment.")
