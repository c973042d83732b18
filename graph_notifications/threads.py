"""Which followed thread a message belongs to, and who decides that it is not saved. Never its
subject. Pure but for the look at what is followed."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from shared.domain import Email
from shared.following import (
    MOST_NEWCOMERS,
    MOST_WAITING,
    FollowedThread,
    digest,
    domain_of,
    people_of,
    thread_id,
)
from shared.ports import Followings

MOST_REFERENCES = 50
"""Of the References header, the newest ones."""

_MOST_THREADS = 3
"""Followed threads that one message may refer to."""


def references(email: Email) -> tuple[str, ...]:
    """The messages that it answers, the most telling first."""
    newest = email.references[::-1][:MOST_REFERENCES]
    found = (email.in_reply_to, *newest)
    return tuple(dict.fromkeys(id_ for id_ in found if id_ and id_ != email.message_id))


async def thread_of(
    email: Email, mailbox: str, followings: Followings, now: datetime
) -> FollowedThread | str:
    """The thread to save it with, else the outcome: `known` for a message that was heeded already,
    `stopped` where a person stopped following its thread, `not_followed`.

    By the messages that it refers to; where none is known, by its conversation, if it says of
    itself that it is an answer: Outlook puts what merely has the same subject there, too.
    """
    referred = references(email)
    own = (email.message_id,) if email.message_id else ()
    known = await followings.threads_of(mailbox, (*own, *referred)) if own or referred else {}
    if email.message_id in known:
        return "known"
    candidates = [known[id_] for id_ in referred if id_ in known]
    if referred:
        candidates.append(thread_id(email.conversation_id, email.message_id))
    for id_ in tuple(dict.fromkeys(candidates))[:_MOST_THREADS]:
        thread = await followings.thread(mailbox, id_)
        if thread is not None and thread.until > now:
            return "stopped" if thread.stopped else thread
    return "not_followed"


def anyone_known(email: Email, thread: FollowedThread) -> bool:
    """Whether anybody at all who took part in the thread before takes part in the message."""
    return some_took_part((p.address for p in email.participants), email, thread)


def some_took_part(addresses: Iterable[str], email: Email, thread: FollowedThread) -> bool:
    """Whether one of these people took part in the thread before that message, or somebody of the
    same company: who wrote to a list or an office is answered by one of the people behind it."""
    from shared.mail_domains import is_free  # takes 60 ms, and most mail gets nowhere near

    arrived = arrival(email)
    everyone = list(addresses)
    anyones = (address for address in everyone if is_free(domain_of(address)[1:]))
    known_by = people_of(everyone) - {digest(domain_of(address)) for address in anyones}
    return any(
        person in thread.people
        or (person in thread.newcomers and (arrived is None or thread.newcomers[person] <= arrived))
        for person in known_by
    )


def with_people(thread: FollowedThread, email: Email, now: datetime) -> FollowedThread:
    """The thread once that message belongs to it: who wasn't there before comes in with it. The
    order in which messages are looked at makes no difference."""
    arrived = arrival(email) or now
    newcomers = dict(thread.newcomers)
    for person in people_of(p.address for p in email.participants) - thread.people:
        newcomers[person] = min(arrived, newcomers.get(person, arrived))
    first = sorted(newcomers.items(), key=lambda one: (one[1], one[0]))[:MOST_NEWCOMERS]
    return replace(thread, newcomers=dict(first))


def with_waiting(thread: FollowedThread, item: str) -> FollowedThread:
    return replace(thread, waiting=(*without(thread, item).waiting, item)[-MOST_WAITING:])


def without(thread: FollowedThread, item: str) -> FollowedThread:
    """That item waits no more."""
    return replace(thread, waiting=tuple(one for one in thread.waiting if one != item))


def arrival(email: Email) -> datetime | None:
    """When it came to its mailbox, or was sent from there."""
    return email.received_at or email.sent_at


def own_addresses(mailbox: str) -> tuple[str, ...]:
    """What is known of the company's addresses by the mailbox's path alone."""
    return (mailbox,) if "@" in mailbox else ()
