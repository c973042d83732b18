"""What all stand-ins of one sandbox share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sandbox.clock import Clock
from sandbox.company import Company
from sandbox.store import Store

Audience = Literal["api", "graph", "dataverse", "salesforce"]

TENANT = "6f1d0c55-3c1e-4c1b-9a59-0d6a3b1f7a01"
CLIENT_ID = "0c2a8f0e-7f43-4a38-8a41-5b0a4f5f9e02"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105  # opens nothing but this sandbox


@dataclass(frozen=True)
class World:
    """`base_url` has no trailing slash, e.g. `https://localhost:7443`.

    Each service package offers `routes(world) -> list[BaseRoute]` and `seed(world) -> None`; its
    rows lie in `store` under its own service name, and `seed` fills them from `company`.
    """

    store: Store
    company: Company
    base_url: str
    clock: Callable[[], datetime] = field(default_factory=Clock)

    def machine_time(self) -> datetime:
        """The time that other machines know too. Tokens are dated by it, since the app, which
        checks them by its own clock, could do nothing with those of a clock that a test moved."""
        return self.clock.unshifted() if isinstance(self.clock, Clock) else self.clock()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a bearer token speaks for. `oid` is the user's for delegated tokens, the service
    principal's for app-only ones; `scopes` are empty for app-only tokens, `roles` for others."""

    oid: str
    app_only: bool
    scopes: frozenset[str]
    roles: frozenset[str]
    address: str = ""


class TokenRefused(Exception):
    """The request's bearer token is missing or not good for this audience."""
