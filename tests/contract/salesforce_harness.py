"""The contract suite's view of Salesforce: our adapter over the wire, against the sandbox."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import date, datetime
from typing import Any

import httpx
import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from sandbox import salesforce
from sandbox.running import Running
from sandbox.salesforce.ids import derive_id
from sandbox.sample import company
from shared.crm import Connection, CrmUser
from shared.crm.salesforce.adapter import Organization, SalesforceCrm, organized
from shared.crm.salesforce.channel import Channel
from shared.crm.salesforce.settings import SalesforceSettings
from shared.domain import ActivityKind, Email, Item, Limits, RecordRef
from shared.outbound import Limits as Patience
from shared.outbound import Sender
from shared.policy import CategoryField
from tests.contract.harness import Shown, Traits

FIELDS = (
    CategoryField(name="New_Topic__c", type="choice"),
    CategoryField(name="Campaign_Ref__c", type="lookup", lookup_type="Campaign"),
    CategoryField(name="Note__c", type="text"),
    CategoryField(name="Long_Note__c", type="multiline"),
    CategoryField(name="Follow_Up__c", type="boolean"),
    CategoryField(name="Rating__c", type="integer"),
)
CATEGORIES: Mapping[ActivityKind, tuple[CategoryField, ...]] = {"email": FIELDS, "meeting": FIELDS}

TRAITS = Traits(
    name="salesforce",
    id_survives_edit=False,
    adds_strangers_to_meetings=True,
    meeting_body_limit=32_007,  # 32,000 of text, and the tags of one paragraph
    categories=CATEGORIES,
    category_values={
        "New_Topic__c": "Delivery",
        "Campaign_Ref__c": salesforce.campaign_id("Newsletter"),
        "Note__c": "PO 4711",
        "Long_Note__c": "Two lines:\nthis one too.",
        "Follow_Up__c": True,
        "Rating__c": 45,
    },
    steps=3,
)
_PREFIXES = {"user": "005", "queue": "00G"}
_OBJECTS = {"email": "EmailMessage", "meeting": "Event"}
_MEBIBYTE = 1024 * 1024


class Breaking(BaseAdapter):
    """Passes the first calls on and loses the answer of the last of them; none gets out later."""

    def __init__(self, inner: BaseAdapter, calls: int) -> None:
        super().__init__()
        self._inner = inner
        self._left = calls

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise requests.ConnectionError("down", request=request)
        response = self._inner.send(request, *args, **options)
        if self._left == 0:
            raise requests.ConnectionError("cut", request=request)
        return response

    def close(self) -> None:
        self._inner.close()


class SalesforceHarness:
    """Implements `tests.contract.harness.Harness`."""

    traits = TRAITS

    def __init__(self, sandbox: Running, sender: Sender) -> None:
        self.sandbox = sandbox
        self.company = company()
        self.sender = sender
        self.settings = SalesforceSettings.model_validate(
            {
                "url": sandbox.url,
                "consumer_key": salesforce.CONSUMER_KEY,
                "private_key": salesforce.private_key(sandbox.world),
                "integration_user": salesforce.INTEGRATION_ADDRESS,
            }
        )
        self._channels: list[Channel] = []
        self.organization = self.open(Patience())
        self._before = {kind: self._rows(kind) for kind in ("email", "meeting")}

    def open(self, patience: Patience, adapter: BaseAdapter | None = None) -> Organization:
        """As a new worker would begin."""
        channel = Channel(self.settings.root, adapter)
        self._channels.append(channel)
        return organized(self.settings, channel, patience)

    def close(self) -> None:
        for channel in self._channels:
            channel.close()

    def crm(self, address: str) -> SalesforceCrm:
        return self.crm_at(self.organization, address)

    def crm_at(
        self, organization: Organization, address: str, patience: float = 300
    ) -> SalesforceCrm:
        person = next(e for e in self.company.employees if e.address == address)
        return self.crm_of(CrmUser(person.oid, person.address), organization, patience)

    def crm_of(
        self,
        user: CrmUser | None,
        organization: Organization | None = None,
        patience: float = 300,
    ) -> SalesforceCrm:
        """None: the app itself."""

        async def give(scope: str) -> str:
            raise AssertionError("Entra ID gives out no tokens for Salesforce")

        return SalesforceCrm(
            organization or self.organization,
            Connection(
                self.sender,
                self.sender.errand(patience),
                give,
                categories=CATEGORIES,
                user=user,
            ),
        )

    def ref(self, type_: str, sample_id: str) -> RecordRef:
        if type_ in _PREFIXES:
            address = next((e.address for e in self.company.employees if e.oid == sample_id), "")
            key = address or sample_id
            return RecordRef(type_, derive_id(_PREFIXES[type_], key))
        return RecordRef(type_, salesforce.record_id(type_, sample_id))

    async def plant_copy(self, item: Item, link: RecordRef | None = None) -> str:
        row: dict[str, Any] = {"Subject": item.subject}
        if isinstance(item, Email):
            row |= {
                "MessageIdentifier": item.message_id,
                "Status": "3",
                "FromAddress": "x@y.example",
            }
            row |= {"HtmlBody": item.body.content, "MessageDate": f"{item.sent_at:%FT%TZ}"}
            what = "RelatedToId"
        else:
            row |= {"Threadline_Item_Id__c": item.uid, "DurationInMinutes": 60}
            row |= {"StartDateTime": f"{item.start:%FT%TZ}"}
            what = "WhatId"
        if link is not None:
            row[what] = link.id
        made = await self.write("POST", f"sobjects/{_OBJECTS[item.kind]}", row)
        return str(made.json()["id"])

    async def count(self, kind: ActivityKind) -> int:
        return self._rows(kind) - self._before[kind]

    async def shown(self, id: str, zone: str) -> Shown:
        row = self.event(id)
        all_day = row["IsAllDayEvent"]
        days = date.fromisoformat(row["ActivityDate"]), date.fromisoformat(row["EndDate"])
        return Shown(
            subject=row["Subject"].removeprefix("Canceled: "),
            body=row.get("Description", ""),
            location=row.get("Location", ""),
            start=None if all_day else datetime.fromisoformat(row["StartDateTime"]),
            end=None if all_day else datetime.fromisoformat(row["EndDateTime"]),
            days=days if all_day else None,
            cancelled=row["Subject"].startswith("Canceled: ") and row["ShowAs"] == "Free",
        )

    async def version(self, id: str) -> object:
        return self.event(id)

    def event(self, id_: str) -> Mapping[str, Any]:
        row = self.sandbox.world.store.get("salesforce", "Event", id_)
        assert row is not None
        return row

    async def set_limits(self, limits: Limits) -> None:
        salesforce.configure(
            self.sandbox.world,
            max_file_bytes=limits.max_bytes,
            blocked_extensions=tuple(limits.blocked_extensions),
        )
        self.organization.knowledge.limits = limits

    @contextmanager
    def interrupted(self, step: int) -> Iterator[None]:
        """The objects are known and the item is looked up before the counted steps."""
        whole = self.organization
        broken = self.open(Patience(attempts=1), Breaking(HTTPAdapter(), step + 2))
        broken.knowledge.limits = whole.knowledge.limits
        self.organization = broken
        try:
            yield
        finally:
            self.organization = whole

    async def write(self, method: str, path: str, row: Mapping[str, Any]) -> httpx.Response:
        """Something that this app doesn't do, done by another client."""
        token = self.sandbox.token(self.company.employees[0].address, audience="salesforce")
        async with httpx.AsyncClient() as client:
            url = f"{self.sandbox.url}/services/data/v64.0/{path}"
            headers = {"Authorization": f"Bearer {token}"}
            answer = await client.request(method, url, json=dict(row), headers=headers)
            assert answer.is_success, answer.text
            return answer

    def _rows(self, kind: ActivityKind) -> int:
        rows = self.sandbox.world.store.all("salesforce", _OBJECTS[kind])
        return sum(not row["IsDeleted"] for row in rows)


@asynccontextmanager
async def salesforce_crm(
    sandbox: Running, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[SalesforceHarness]:
    sender = Sender(sleep=sleep)
    harness = SalesforceHarness(sandbox, sender)
    try:
        yield harness
    finally:
        harness.close()
        await sender.aclose()
