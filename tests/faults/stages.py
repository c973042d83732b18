"""Each CRM behind a network that can be broken, and the calls that its operations make."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import httpx
from requests.adapters import HTTPAdapter

from sandbox.running import Running
from shared.domain import ActivityKind
from shared.outbound import Limits as Patience
from shared.outbound import Sender
from shared.ports import Crm
from tests.contract.dataverse_harness import DataverseHarness, dataverse
from tests.contract.harness import Harness
from tests.contract.salesforce_harness import SalesforceHarness, salesforce_crm
from tests.faults.broken_adapter import BrokenAdapter
from tests.faults.broken_transport import BrokenTransport, Fault


@dataclass(frozen=True)
class Calls:
    """The calls of each operation by what they are for, numbered from 1."""

    save: Mapping[str, int]
    save_large: Mapping[str, int]
    edit: Mapping[str, int]
    delete: Mapping[ActivityKind, int]
    refresh: Mapping[str, int]
    cancel: Mapping[str, int]
    contact: Mapping[str, int]
    path: str
    """A regular expression for the paths of the first two."""


CALLS: Mapping[str, Calls] = {
    "dataverse": Calls(
        save={"look up": 1, "create": 2},
        save_large={
            "look up": 1,
            "create": 2,
            "begin": 3,
            "block": 4,
            "other block": 5,
            "commit": 6,
            "close": 7,
        },
        edit={"read": 1, "write": 2},
        delete={"email": 1, "meeting": 2},
        refresh={"look up": 1, "write": 2},
        cancel={"read": 1, "write": 2},
        contact={"look": 1, "make": 2},
        path=r"\$batch",
    ),
    "salesforce": Calls(
        save={"look up": 1, "create": 2},
        save_large={"look up": 1, "create": 2, "upload": 3, "close": 4},
        edit={"read": 1, "write": 2},
        delete={"email": 1, "meeting": 1},
        refresh={"look up": 1, "write": 2},
        cancel={"read": 1, "write": 2},
        contact={"look": 1, "make": 2},
        path="/composite",
    ),
}


class Counter(Protocol):
    calls: int


class Stage(Protocol):
    """One sandbox, and a CRM that its caller can reach."""

    @property
    def name(self) -> str: ...

    @property
    def harness(self) -> Harness: ...

    @property
    def sandbox(self) -> Running: ...

    def broken(
        self, fault: Fault | None, at: int, *, lasts: bool = False
    ) -> AbstractContextManager[tuple[Crm, Counter]]: ...

    def impatient(self, read: float) -> AbstractContextManager[Crm]:
        """Waits so many seconds for each answer, and not at all between tries."""
        ...


async def _no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


@dataclass(frozen=True)
class DataverseStage:
    harness: DataverseHarness
    sandbox: Running
    name: str = "dataverse"

    @contextmanager
    def broken(
        self, fault: Fault | None, at: int, *, lasts: bool = False
    ) -> Iterator[tuple[Crm, Counter]]:
        inner = httpx.AsyncHTTPTransport(verify=httpx.create_ssl_context())
        transport = BrokenTransport(inner, fault, at, lasts=lasts)
        sender = Sender(Patience(attempts=3), transport=transport, sleep=_no_sleep)
        yield self.harness.crm_over(sender, caller(self), patience=60), transport

    @contextmanager
    def impatient(self, read: float) -> Iterator[Crm]:
        sender = Sender(Patience(read=read), sleep=_no_sleep)
        yield self.harness.crm_over(sender, caller(self), patience=20)


@dataclass(frozen=True)
class SalesforceStage:
    """The worker knows the objects and has a token."""

    harness: SalesforceHarness
    sandbox: Running
    name: str = "salesforce"

    @contextmanager
    def broken(
        self, fault: Fault | None, at: int, *, lasts: bool = False
    ) -> Iterator[tuple[Crm, Counter]]:
        adapter = BrokenAdapter(HTTPAdapter(), fault, at, lasts=lasts)
        yield self._crm(Patience(attempts=3), adapter, 60), adapter

    @contextmanager
    def impatient(self, read: float) -> Iterator[Crm]:
        yield self._crm(Patience(read=read), None, 20)

    def _crm(self, patience: Patience, adapter: BrokenAdapter | None, seconds: float) -> Crm:
        warm = self.harness.organization
        organization = replace(
            self.harness.open(patience, adapter), knowledge=warm.knowledge, tokens=warm.tokens
        )
        return self.harness.crm_at(organization, caller(self), seconds)


def caller(stage: Stage) -> str:
    return stage.harness.company.employees[0].address


@asynccontextmanager
async def staged(name: str, sandbox: Running) -> AsyncIterator[Stage]:
    if name == "dataverse":
        async with dataverse(sandbox) as harness:
            yield DataverseStage(harness, sandbox)
    else:
        async with salesforce_crm(sandbox, sleep=_no_sleep) as other:
            await other.crm(other.company.employees[0].address).check()
            yield SalesforceStage(other, sandbox)
