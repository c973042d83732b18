"""Keeps up what tells this app of a mailbox's changes, and finds what it was not told."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from graph_notifications.work import Done
from shared.errors import (
    Conflict,
    Forbidden,
    NoMailbox,
    NotFound,
    ThreadlineError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Upstream,
)
from shared.following import (
    ChangeKind,
    Followed,
    FollowedDraft,
    FollowedMeeting,
    FollowedThread,
    Subscription,
    digest,
)
from shared.notifications import CaughtUp, ItemChanged, LookAfter, Message
from shared.ports import ChangeFeed, Followings, Subscriptions

LIFETIME = timedelta(days=6)
"""Asked of the service, which gives at most seven days; renewed when less than half is left."""

ROUND = timedelta(hours=1)
"""After so long, the timer has asked for the same again."""

LAPSED_KEPT = timedelta(days=30)
"""How long what is not followed any more is kept, so that a clock which was set forward by mistake
costs nothing."""

MOST_AT_ONCE = 1_000
"""Changes after which a run ends, for the next one to go on."""

_MARGIN = timedelta(minutes=5)
"""By which the service's clock may differ from ours."""

_SET_BACK = timedelta(days=7)
"""So far back is looked where our clock must have gone wrong."""

_PASSING = (Conflict, Throttled, Unauthenticated, Unavailable, Upstream)
"""What a later round may find mended: also this app's own sign-in, whose secret has lapsed."""

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Caretaker:
    """What a mailbox is looked after with, and the moment."""

    feed: ChangeFeed
    followings: Followings
    subscriptions: Subscriptions
    now: datetime

    async def look_after(self, asked: LookAfter) -> Done:
        """Makes, renews or ends the subscription, and then queues what changed meanwhile.

        Raises where it is to be done again.
        """
        await self.followings.forget(asked.mailbox, self.now - LAPSED_KEPT)
        kept, live = await self._followed(asked.mailbox, asked.kind)
        if not live:
            return await self._end(asked, anything_kept=bool(kept))
        row = await self.subscriptions.begin(
            asked.mailbox, asked.kind, min(asked.at, self.now) - _MARGIN
        )
        try:
            try:
                row, outcome = await self._subscribed(row, renew=asked.renew)
            except _PASSING:
                if not self._others_follow(asked):
                    raise
                outcome = "not_subscribed"
            try:
                found = await self._catch_up(row, self.now, live)
            except _PASSING:
                if outcome == "subscribed" and not self._others_follow(asked):
                    raise
                found, outcome = (), "not_caught_up"
        except (Forbidden, NoMailbox, NotFound) as error:
            # asked for again with the next round, until nobody follows it any more
            return Done("mailbox_not_followed", alarm="mailbox_not_followed", code=error.code)
        return Done(outcome, (*_revisits(live, self.now), *found))

    def _others_follow(self, asked: LookAfter) -> bool:
        """Whether to leave the rest to the rounds after this one: in a long outage, or where the
        mailbox has no room for a subscription, one more would pile up each hour to be tried."""
        return not asked.renew and self.now - asked.at > ROUND

    async def caught_up(self, told: CaughtUp) -> Done:
        """All that was found is queued, so that the next look begins where that one ended."""
        for _ in range(_TRIES):
            row = await self.subscriptions.find(told.mailbox, told.kind)
            if row is None or not row.ahead or _digest(row.ahead) != told.position:
                return Done("overtaken")
            since = row.since if told.more else told.at
            with suppress(Conflict):
                row = await self.subscriptions.replace(
                    replace(row, position=row.ahead, ahead={}, since=since)
                )
                break
        else:
            raise Conflict("The subscription is being changed at this moment.")
        if not told.more:
            return Done("caught_up")
        _, live = await self._followed(told.mailbox, told.kind)
        return Done("caught_up", await self._catch_up(row, told.at, live))

    async def _followed(
        self, mailbox: str, kind: ChangeKind
    ) -> tuple[Sequence[Followed], Sequence[Followed]]:
        """All that is kept of that kind, and what of it is followed now."""
        kept = [one for one in await self.followings.of_mailbox(mailbox) if _kind(one) == kind]
        return kept, [one for one in kept if _is_live(one, self.now)]

    async def _subscribed(self, row: Subscription, *, renew: bool) -> tuple[Subscription, str]:
        """The row as it is kept now. One that lives yet may fail to be renewed: there are more
        rounds to come."""
        left = row.expires - self.now
        lives = bool(row.id) and left > timedelta(0) and row.address == self.feed.address
        if lives and not renew and left > LIFETIME / 2:
            return row, "watched"
        until = self.now + LIFETIME
        if row.id and row.address != self.feed.address:
            await self.feed.end(row.id)
        elif row.id:
            try:
                expires = await self.feed.renew(row.id, until)
                return await self._kept(replace(row, expires=expires)), "renewed"
            except NotFound:
                pass
            except Forbidden:
                raise
            except ThreadlineError:
                if lives and not renew:
                    return row, "not_renewed"
                raise  # of what the service ended or holds back, no later round would know
        id_, expires = await self.feed.subscribe(row.mailbox, row.kind, row.secret, until)
        made = replace(row, id=id_, expires=expires, address=self.feed.address)
        try:
            subscribed = await self._kept(made)
        except Conflict:
            await self.feed.end(id_)
            raise
        if subscribed.id != id_:  # somebody else subscribed at the same time: one is enough
            await self.feed.end(id_)
        return subscribed, "subscribed"

    async def _kept(self, row: Subscription) -> Subscription:
        """The row as it is kept, or that of whoever was faster. Raises `Conflict` where theirs has
        ended what is followed."""
        try:
            return await self.subscriptions.replace(row)
        except Conflict:
            there = await self.subscriptions.find(row.mailbox, row.kind)
            if there is not None and there.id and there.expires > self.now:
                return there
            raise

    async def _catch_up(
        self, row: Subscription, began: datetime, live: Sequence[Followed]
    ) -> tuple[Message, ...]:
        """The messages for all that changed since the last look, and behind them the one that moves
        on from there: were it moved on now, then a run that ends before they are on the queue
        would lose them. The host puts the messages of one output on the queue one after the other
        (azure-functions-host, FunctionBinding.BindAsyncCollectorAsync)."""
        position, items, more = row.position, dict[str, None](), True
        since = min(row.since, began) - (_MARGIN if row.since <= began else _SET_BACK)
        anew = False
        while more and len(items) < MOST_AT_ONCE:
            found = await self.feed.changes(row.mailbox, row.kind, position, since)
            items |= dict.fromkeys(found.items)
            position, more, anew = found.position, found.more, anew or found.anew
        if anew:
            items |= dict.fromkeys(one.item for one in live if isinstance(one, FollowedMeeting))
        messages = tuple(
            ItemChanged(mailbox=row.mailbox, kind=row.kind, at=began, item=item) for item in items
        )
        with suppress(Conflict):  # somebody else looked at the same time: theirs counts
            if not messages and not more:
                moved = replace(row, position=position, ahead={}, since=began)
                await self.subscriptions.replace(moved)
                return ()
            await self.subscriptions.replace(replace(row, ahead=position))
            end = CaughtUp(
                mailbox=row.mailbox,
                kind=row.kind,
                at=began,
                position=_digest(position),
                more=more,
            )
            return (*messages, end)
        return messages

    async def _end(self, asked: LookAfter, *, anything_kept: bool) -> Done:
        """A save that begins at this moment either finds no live subscription any more and asks for
        one, or has written what it follows before this looks again."""
        row = await self.subscriptions.find(asked.mailbox, asked.kind)
        if row is None:
            return Done("nothing_followed")
        # what comes while nothing is followed is nobody's, so that it isn't caught up with later
        ended = replace(row, id="", expires=_NEVER, position={}, ahead={}, since=self.now)
        held = await self.subscriptions.replace(ended)
        if row.id:
            await self.feed.end(row.id)
        if not anything_kept:
            await self.subscriptions.remove(held)
        _, live = await self._followed(asked.mailbox, asked.kind)
        if live:
            again = LookAfter(mailbox=asked.mailbox, kind=asked.kind, at=self.now)
            return Done("ended", (again,))
        return Done("ended")


def _revisits(live: Iterable[Followed], now: datetime) -> Iterable[Message]:
    """Each draft, since nobody tells of what is removed; once a day each series, for occurrences
    that have come near, and the messages that wait for somebody to come into their thread."""
    for one in live:
        if isinstance(one, FollowedDraft):
            yield ItemChanged(mailbox=one.mailbox, kind="email", at=now, item=one.item)
        elif isinstance(one, FollowedThread) and _is_its_hour(one.id, now):
            for item in one.waiting:
                yield ItemChanged(mailbox=one.mailbox, kind="email", at=now, item=item)
        elif (
            isinstance(one, FollowedMeeting)
            and one.scope == "series"
            and _is_its_hour(one.item, now)
        ):
            yield ItemChanged(mailbox=one.mailbox, kind="meeting", at=now, item=one.item)


def _is_its_hour(id_: str, now: datetime) -> bool:
    """One hour of the day for each, so that the work is spread."""
    return int(digest(id_), 16) % 24 == now.hour


def _kind(followed: Followed) -> ChangeKind:
    return "meeting" if isinstance(followed, FollowedMeeting) else "email"


def _is_live(followed: Followed, now: datetime) -> bool:
    stopped = isinstance(followed, FollowedThread) and followed.stopped
    return followed.until > now and not stopped


def _digest(position: Mapping[str, str]) -> str:
    return digest(json.dumps(position, sort_keys=True))
