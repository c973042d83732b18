"""What every `Subscriptions` must do. A test of one is a subclass with one fixture,
`subscriptions`."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.errors import Conflict
from shared.following import Subscription
from shared.ports import Subscriptions

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def mailbox() -> str:
    return str(uuid4())


class SubscriptionsContract:
    async def test_a_new_one_waits_to_be_taken(self, subscriptions: Subscriptions) -> None:
        path = mailbox()
        begun = await subscriptions.begin(path, "email", NOW)
        assert (begun.mailbox, begun.kind, begun.since) == (path, "email", NOW)
        assert begun.id == ""
        assert begun.expires < NOW
        assert begun.position == begun.ahead == {}
        assert begun.version
        assert await subscriptions.find(path, "email") == begun
        assert await subscriptions.find(path, "meeting") is None

    async def test_what_was_begun_is_begun_once(self, subscriptions: Subscriptions) -> None:
        path = mailbox()
        begun = await subscriptions.begin(path, "email", NOW)
        assert await subscriptions.begin(path, "email", NOW + timedelta(days=1)) == begun
        other = await subscriptions.begin(path, "meeting", NOW)
        assert other.secret != begun.secret

    async def test_fifty_who_begin_have_one(self, subscriptions: Subscriptions) -> None:
        path = mailbox()
        begun = await asyncio.gather(
            *(subscriptions.begin(path, "email", NOW + timedelta(seconds=n)) for n in range(50))
        )
        assert all(one == begun[0] for one in begun)
        kept = [one for one in await subscriptions.all() if one.mailbox == path]
        assert kept == [begun[0]]

    async def test_it_is_found_by_its_secret(self, subscriptions: Subscriptions) -> None:
        for path in (mailbox(), "sales@contoso.example", f"{'ä' * 200}@contoso.example"):
            for kind in ("email", "meeting"):
                begun = await subscriptions.begin(path, kind, NOW)
                assert len(begun.secret) <= 128
                assert begun.secret.isascii()
                assert begun.secret.isprintable()
                assert await subscriptions.of_secret(begun.secret) == begun

    async def test_no_other_text_finds_it(self, subscriptions: Subscriptions) -> None:
        begun = await subscriptions.begin(mailbox(), "email", NOW)
        secret = begun.secret
        other = await subscriptions.begin(mailbox(), "email", NOW)
        forged = (
            "",
            secret[:-1],
            secret + "A",
            secret + "\n",
            secret[:-1] + ("A" if secret[-1] != "A" else "B"),
            secret.upper(),
            secret.replace("email", "meeting"),
            secret[:-43] + other.secret[-43:],
            " " + secret,
            secret + "\ud800",
            "' or RowKey ne '",
            "email:x' or '1' eq '1:" + "A" * 43,
            "email:../..:" + "A" * 43,
            "\x00" * 10,
            "é" * 100,
            "A" * 1_000_000,
        )
        for text in forged:
            assert await subscriptions.of_secret(text) is None
        assert await subscriptions.of_secret(secret) == begun

    async def test_secrets_differ(self, subscriptions: Subscriptions) -> None:
        begun = [await subscriptions.begin(mailbox(), "email", NOW) for _ in range(20)]
        assert len({one.secret[-43:] for one in begun}) == 20

    async def test_a_replaced_one_has_a_new_version(self, subscriptions: Subscriptions) -> None:
        begun = await subscriptions.begin(mailbox(), "email", NOW)
        wanted = replace(
            begun,
            id=str(uuid4()),
            expires=NOW + timedelta(days=3),
            since=NOW + timedelta(hours=1),
            position={"inbox": "https://graph.example/delta?$deltatoken=" + "é" * 40_000},
            ahead={"sent": "x"},
        )
        kept = await subscriptions.replace(wanted)
        assert kept.version != begun.version
        assert replace(kept, version="") == replace(wanted, version="")
        assert await subscriptions.find(begun.mailbox, "email") == kept
        assert await subscriptions.of_secret(begun.secret) == kept

    async def test_an_older_version_replaces_and_removes_nothing(
        self, subscriptions: Subscriptions
    ) -> None:
        begun = await subscriptions.begin(mailbox(), "email", NOW)
        kept = await subscriptions.replace(replace(begun, id="one"))
        with pytest.raises(Conflict):
            await subscriptions.replace(replace(begun, id="two"))
        await subscriptions.remove(begun)
        assert await subscriptions.find(begun.mailbox, "email") == kept

    async def test_of_many_who_replace_one_version_one_succeeds(
        self, subscriptions: Subscriptions
    ) -> None:
        begun = await subscriptions.begin(mailbox(), "email", NOW)
        outcomes = await asyncio.gather(
            *(subscriptions.replace(replace(begun, id=str(n))) for n in range(20)),
            return_exceptions=True,
        )
        (winner,) = [one for one in outcomes if isinstance(one, Subscription)]
        assert sum(isinstance(one, Conflict) for one in outcomes) == 19
        assert await subscriptions.find(begun.mailbox, "email") == winner

    async def test_what_was_removed_is_gone_with_its_secret(
        self, subscriptions: Subscriptions
    ) -> None:
        begun = await subscriptions.begin(mailbox(), "email", NOW)
        await subscriptions.remove(begun)
        await subscriptions.remove(begun)
        assert await subscriptions.find(begun.mailbox, "email") is None
        assert await subscriptions.of_secret(begun.secret) is None
        with pytest.raises(Conflict):
            await subscriptions.replace(begun)
        again = await subscriptions.begin(begun.mailbox, "email", NOW)
        assert again.secret != begun.secret
        assert await subscriptions.of_secret(begun.secret) is None

    async def test_all_are_told(self, subscriptions: Subscriptions) -> None:
        begun = [await subscriptions.begin(mailbox(), "meeting", NOW) for _ in range(5)]
        told = await subscriptions.all()
        assert all(one in told for one in begun)
