"""The contract suite's view of Dataverse: our adapter over the wire, against the sandbox."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx

from sandbox.dataverse.sample import ORGANIZATION, fixed_id, user_id
from sandbox.running import Running
from sandbox.sample import company
from shared.crm import Connection
from shared.crm.dataverse import payloads
from shared.crm.dataverse.adapter import DataverseCrm
from shared.crm.dataverse.knowledge import Knowledge
from shared.crm.dataverse.tables import STANDARD, activity_table, logical_name
from shared.domain import ActivityKind, Item, Limits, RecordRef
from shared.outbound import Limits as Patience
from shared.outbound import Sender
from shared.policy import CategoryField
from tests.contract.harness import Shown, Traits

FIELDS = (
    CategoryField(name="new_topic", type="choice"),
    CategoryField(name="new_region", type="lookup", lookup_type="new_region"),
    CategoryField(name="new_reference", type="text"),
    CategoryField(name="new_summary", type="multiline"),
    CategoryField(name="new_isbillable", type="boolean"),
    CategoryField(name="new_minutes", type="integer"),
)
CATEGORIES: Mapping[ActivityKind, tuple[CategoryField, ...]] = {"email": FIELDS, "meeting": FIELDS}

SPARING = (
    "<OrgSettings><DistinctPhysicalAndLogicalDeletesForExchangeSync>true"
    "</DistinctPhysicalAndLogicalDeletesForExchangeSync></OrgSettings>"
)
"""An organisation's settings with which a deleted record cancels nothing in Exchange."""

TRAITS = Traits(
    name="dataverse",
    id_survives_edit=True,
    adds_strangers_to_meetings=False,
    meeting_body_limit=1_048_576,
    categories=CATEGORIES,
    category_values={
        "new_topic": 100_000_001,
        "new_region": fixed_id("new_region", "North"),
        "new_reference": "PO 4711",
        "new_summary": "Two lines:\nthis one too.",
        "new_isbillable": True,
        "new_minutes": 45,
    },
    steps=6,
)


class Breaking(httpx.AsyncBaseTransport):
    """Passes the first calls on and loses the answer of the last of them; none gets out later.

    `spare` calls at the beginning are not counted.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, calls: int, spare: int = 1) -> None:
        self._inner = inner
        self._left = calls + spare

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._left -= 1
        if self._left < 0:
            raise httpx.ConnectError("down", request=request)
        response = await self._inner.handle_async_request(request)
        if self._left == 0:
            await response.aread()
            await response.aclose()
            raise httpx.ReadError("cut", request=request)
        return response


class DataverseHarness:
    """Implements `tests.contract.harness.Harness`."""

    traits = TRAITS

    def __init__(self, sandbox: Running, sender: Sender) -> None:
        self.sandbox = sandbox
        self.company = company()
        self._sender = sender
        self._tokens: dict[str, str] = {}
        self._root = f"{sandbox.url}/dataverse"
        self._before = {kind: self._rows(kind) for kind in ("email", "meeting")}

    def crm(self, address: str) -> DataverseCrm:
        return self.crm_over(self._sender, address)

    def crm_over(self, sender: Sender, address: str, patience: float = 300) -> DataverseCrm:
        token = self._token(address)

        async def give(scope: str) -> str:
            assert scope == f"{self._root}/.default"
            return token

        knowledge = Knowledge(self._root, f"{self._root}/.default")
        errand = sender.errand(patience)
        return DataverseCrm(knowledge, Connection(sender, errand, give, categories=CATEGORIES))

    def ref(self, type_: str, sample_id: str) -> RecordRef:
        return RecordRef(type_, user_id(sample_id) if type_ == "user" else sample_id)

    async def plant_copy(self, item: Item, link: RecordRef | None = None) -> str:
        table = activity_table(item.kind)
        id_ = str(uuid4())
        known = await self.crm(self.company.employees[0].address).look_up(item, None)
        draft = payloads.draft(item, known)
        row: dict[str, Any] = {**draft.row, "activityid": id_}
        if link is not None:
            target = STANDARD[logical_name(link.type) or ""]
            row |= payloads.link(table, target, link.id)
        await self.write("POST", table.entity_set, row)
        await self.write("PATCH", f"{table.entity_set}({id_})", payloads.state(draft.final))
        return id_

    async def count(self, kind: ActivityKind) -> int:
        return self._rows(kind) - self._before[kind]

    async def shown(self, id: str, zone: str) -> Shown:
        row = self.appointment(id)
        start, end = (datetime.fromisoformat(row[f"scheduled{one}"]) for one in ("start", "end"))
        all_day = row["isalldayevent"]
        return Shown(
            subject=row["subject"],
            body=row.get("description", ""),
            location=row.get("location", ""),
            start=None if all_day else start,
            end=None if all_day else end,
            days=_days(start, end, zone) if all_day else None,
            cancelled=row["statecode"] == 2,
        )

    async def version(self, id: str) -> object:
        return self.appointment(id)["versionnumber"]

    def appointment(self, id_: str) -> Mapping[str, Any]:
        row = self.sandbox.world.store.get("dataverse", "appointment", id_)
        assert row is not None
        return row

    async def set_limits(self, limits: Limits) -> None:
        row = {
            "maxuploadfilesize": -(-limits.max_bytes // 3) * 4,
            "blockedattachments": ";".join(sorted(limits.blocked_extensions)),
        }
        await self.write("PATCH", f"organizations({ORGANIZATION})", row)

    @contextmanager
    def interrupted(self, step: int) -> Iterator[None]:
        whole = self._sender
        inner = httpx.AsyncHTTPTransport(verify=httpx.create_ssl_context())
        self._sender = Sender(Patience(attempts=1), transport=Breaking(inner, step))
        try:
            yield
        finally:
            self._sender = whole

    async def write(self, method: str, path: str, row: Mapping[str, Any]) -> None:
        """Something that this app doesn't do, done by another client."""
        headers = {
            "Authorization": f"Bearer {self._token(self.company.employees[0].address)}",
            "OData-Version": "4.0",
            "OData-MaxVersion": "4.0",
            "If-Match": "*",
        }
        if method == "POST":
            del headers["If-Match"]
        async with httpx.AsyncClient() as client:
            url = f"{self._root}/api/data/v9.2/{path}"
            answer = await client.request(method, url, json=dict(row), headers=headers)
            assert answer.is_success, answer.text

    def _token(self, address: str) -> str:
        if address not in self._tokens:
            self._tokens[address] = self.sandbox.token(address, audience="dataverse")
        return self._tokens[address]

    def _rows(self, kind: ActivityKind) -> int:
        return len(self.sandbox.world.store.all("dataverse", activity_table(kind).logical))


def _days(start: datetime, end: datetime, zone: str) -> tuple[date, date]:
    """An appointment of whole days goes from midnight to the midnight after its last one."""
    first, after = start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    assert first.time() == after.time() == time(0)
    return first.date(), after.date() - timedelta(days=1)


@asynccontextmanager
async def dataverse(sandbox: Running) -> AsyncIterator[DataverseHarness]:
    sender = Sender()
    try:
        yield DataverseHarness(sandbox, sender)
    finally:
        await sender.aclose()
