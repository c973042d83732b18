"""Which Salesforce user a caller is."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from shared.crm import CrmUser
from shared.crm.salesforce.settings import SalesforceSettings
from shared.errors import Forbidden

FEDERATION: Final = "federation"
_FRESH: Final = 600.0

FindByFederation = Callable[[str], Awaitable[str | None]]
"""Gives the username of the user whose Federation ID is an Entra object id."""


class Usernames:
    """One for each worker; remembers for some minutes whom it looked up."""

    def __init__(
        self, settings: SalesforceSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._found: dict[str, tuple[float, str]] = {}

    async def of(self, user: CrmUser, find: FindByFederation) -> str:
        """Raises `Forbidden` where Salesforce has no such user."""
        if self._settings.username != FEDERATION:
            return made_of(await self._upn(user), self._settings.username)

        async def found() -> str:
            # to SOQL an empty text is null: the Federation ID of everybody who has none
            username = (await find(user.oid) or "") if user.oid.strip() else ""
            if not username:
                raise Forbidden("Salesforce has no active user with your Federation ID.")
            return username

        return await self._remembered(user.oid, found)

    async def _upn(self, user: CrmUser) -> str:
        if user.username or user.ask_username is None:
            return user.username
        return await self._remembered(user.oid, user.ask_username)

    async def _remembered(self, oid: str, ask: Callable[[], Awaitable[str]]) -> str:
        until, name = self._found.get(oid, (0.0, ""))
        if self._clock() >= until:
            name = await ask()
            self._found[oid] = (self._clock() + _FRESH, name)
        return name


def made_of(upn: str, pattern: str) -> str:
    """The username that the pattern makes of a user principal name. Pure.

    Raises `Forbidden` for a sign-in without one.
    """
    local, at, domain = upn.strip().rpartition("@")
    if not at or not local or not domain:
        raise Forbidden("Your sign-in has no user name that Salesforce could know.")
    parts = {"{upn}": upn.strip(), "{local}": local, "{domain}": domain}
    for name, value in parts.items():
        pattern = pattern.replace(name, value)
    return pattern
