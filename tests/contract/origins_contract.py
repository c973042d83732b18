"""What every `Origins` must do. A test of one is a subclass with one fixture, `origins`."""

import asyncio
from uuid import uuid4

from shared.following import Origin
from shared.ports import Origins


def origin(identity: str = "") -> Origin:
    return Origin(
        identity=identity or f"email:<{uuid4()}@contoso.example>",
        reason="followed_thread",
        actor=str(uuid4()),
        mailbox="sales@contoso.example",
    )


class OriginsContract:
    async def test_it_is_found_as_it_was_added(self, origins: Origins) -> None:
        one = origin()
        await origins.add(one)
        assert await origins.find(one.identity) == one
        assert await origins.find(f"{one.identity} ") is None
        assert await origins.find("") is None

    async def test_the_first_one_stays(self, origins: Origins) -> None:
        first = origin()
        await origins.add(first)
        await origins.add(Origin(first.identity, "asked", str(uuid4()), "other@contoso.example"))
        assert await origins.find(first.identity) == first

    async def test_of_many_at_once_one_stays(self, origins: Origins) -> None:
        identity = origin().identity
        many = [origin(identity) for _ in range(20)]
        await asyncio.gather(*(origins.add(one) for one in many))
        found = await origins.find(identity)
        assert found in many
        await origins.add(origin(identity))
        assert await origins.find(identity) == found
