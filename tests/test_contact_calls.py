"""Adding people over HTTP, through the running triggers against each CRM of the sandbox."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from create_contact.payload import ContactCardShape, ProposalShape
from sandbox import salesforce
from sandbox.running import Running
from shared.wire import Answered, Problem
from tests.contract.mailbox_items import Appointment, Mail
from tests.deployment import Answer, Client, deployed

ANNA = "anna.kowalska@contoso.example"
BERND = "bernd.schaefer@contoso.example"
DIEGO = "diego.fernandez@contoso.example"  # sees only his own records
GRACE = "grace.okafor@contoso.example"  # has no CRM licence
JAKUB = "jakub.nowak@contoso.example"  # may not write
VIKTOR = "viktor.lindgren@nordhamn-bryggeri.example"
JANE = "jane.doe@fenwick-cold.example"


class Office:
    """The app with one CRM, and its people."""

    def __init__(self, sandbox: Running, crm: str) -> None:
        self.sandbox = sandbox
        self.crm = crm
        self._clients: dict[str, Client] = {}

    async def propose(self, item: dict[str, str], address: str, who: str = ANNA) -> Answer:
        return await self._call("propose_contact", who, item=item, address=address)

    async def add(
        self, item: dict[str, str], address: str, who: str = ANNA, **fields: Any
    ) -> Answer:
        return await self._call("create_contact", who, item=item, address=address, **fields)

    def mail(self, *, owner: str = ANNA, **fields: Any) -> dict[str, str]:
        id_ = self.sandbox.deliver_mail(Mail(**fields).source(), owner)
        return {"kind": "email", "mailbox": "me", "id": id_}

    def sample(self, name: str, owner: str = ANNA) -> dict[str, str]:
        raw = Path("sandbox/graph/sample", name).read_bytes()
        return {"kind": "email", "mailbox": "me", "id": self.sandbox.deliver_mail(raw, owner)}

    def account(self, name: str) -> dict[str, str]:
        accounts = self.sandbox.world.company.accounts
        id_ = next(a.id for a in accounts if a.name.startswith(name))
        if self.crm == "salesforce":
            id_ = salesforce.record_id("account", id_)
        return {"type": "account", "id": id_}

    async def _call(self, name: str, who: str, **body: Any) -> Answer:
        client = self._clients.setdefault(who, Client(self.sandbox.token(who)))
        return await client.call(name, body=body)


@pytest.fixture(params=["dataverse", "salesforce"])
async def office(
    request: pytest.FixtureRequest,
    fresh_sandbox: Running,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> AsyncIterator[Office]:
    document = tmp_path / "policy.json"
    document.write_text('{"exclusions": {"domains": ["lawyers.example"]}}', "utf-8")
    async with deployed(fresh_sandbox, monkeypatch, request.param):
        monkeypatch.setenv("THREADLINE_POLICY_FILE", str(document))
        yield Office(fresh_sandbox, request.param)


def checked(answer: Answer, status: int, shape: type[Answered] = Problem) -> dict[str, Any]:
    assert answer.status == status, answer.body
    assert answer.headers["x-correlation-id"]
    shape.model_validate_json(json.dumps(answer.body))
    return answer.body


async def test_a_stranger_is_proposed_edited_and_added(office: Office) -> None:
    item = office.sample("unknown-sender.eml")
    proposed = checked(await office.propose(item, VIKTOR), 200, ProposalShape)
    assert proposed == {
        "address": VIKTOR,
        "firstName": "Viktor",
        "lastName": "Lindgren",
        "jobTitle": "Brewing Manager",
        "phone": "+46 31 555 01 77",
        "company": None,
        "companies": [],
        "existing": None,
    }
    company = office.account("Brightwater")
    made = checked(
        await office.add(item, VIKTOR, jobTitle="Master Brewer", company=company),
        201,
        ContactCardShape,
    )
    assert (made["type"], made["name"], made["email"]) == ("contact", "Viktor Lindgren", VIKTOR)
    assert (made["jobTitle"], made["phone"]) == ("Master Brewer", "+46 31 555 01 77")
    assert made["company"]["id"].lower() == company["id"].lower()
    assert made["company"]["name"].startswith("Brightwater")
    assert made["url"].startswith("https://")
    assert made["notices"] == []
    again = checked(await office.add(item, VIKTOR.upper(), who=ANNA), 200, ContactCardShape)
    assert again["id"] == made["id"]
    known = checked(await office.propose(item, VIKTOR), 200, ProposalShape)["existing"]
    assert known == made
    saved = await Client(office.sandbox.token(ANNA)).save(item=item)
    assert [one["id"] for one in saved.body["contacts"]] == [made["id"]]
    assert saved.body["unmatched"] == []


async def test_the_company_comes_by_the_domain(office: Office) -> None:
    item = office.mail(sender=('"Doe, Jane"', JANE))
    made = checked(await office.add(item, JANE), 201, ContactCardShape)
    assert made["company"]["name"] == "Fenwick Cold Storage Ltd"
    assert made["company"]["id"].lower() == office.account("Fenwick")["id"].lower()
    assert (made["firstName"], made["lastName"]) == ("Jane", "Doe")


async def test_an_attendee_of_a_meeting_can_be_added(office: Office) -> None:
    raw = Appointment(attendees=(("Jane Doe", JANE),)).calendar()
    item = {"kind": "meeting", "id": office.sandbox.deliver_meeting(raw, ANNA)}
    made = checked(await office.add(item, JANE), 201, ContactCardShape)
    assert made["name"] == "Jane Doe"


async def test_two_at_once_make_one(office: Office) -> None:
    """A double click, and a colleague who has the same mail."""
    mine = office.mail(sender=("Jane Doe", JANE))
    theirs = office.mail(owner=BERND, sender=("Jane Doe", JANE))
    answers = await asyncio.gather(
        *(office.add(mine, JANE) for _ in range(4)),
        *(office.add(theirs, JANE, who=BERND) for _ in range(4)),
    )
    assert sorted(answer.status for answer in answers) == [200] * 7 + [201]
    assert len({answer.body["id"] for answer in answers}) == 1


async def test_who_may_not_is_told_so(office: Office) -> None:
    sender = {"sender": ("Jane Doe", JANE)}
    for who in (JAKUB, GRACE):
        answer = await office.add(office.mail(owner=who, **sender), JANE, who=who)
        assert checked(answer, 403)["code"] == "forbidden"
    assert checked(await office.add(office.mail(**sender), JANE), 201, ContactCardShape)
    hidden = await office.add(office.mail(owner=DIEGO, **sender), JANE, who=DIEGO)
    assert checked(hidden, 403)["code"] == "forbidden"
    foreign = {**office.mail(**sender), "mailbox": ANNA}
    assert checked(await office.add(foreign, JANE, who=BERND), 403)["code"] == "forbidden"
    nobody = await Client("").call("create_contact", body={"item": foreign, "address": JANE})
    assert checked(nobody, 401)["code"] == "unauthenticated"


async def test_what_can_not_be_added_is_told_apart(office: Office) -> None:
    item = office.mail(sender=("Jane Doe", JANE), to=((("Bernd", BERND)),))
    for address in ("somebody@else.example", BERND, ANNA):
        refused = checked(await office.add(item, address), 422)
        assert refused["code"] == "invalid"
        assert [error["field"] for error in refused["errors"]] == ["address"]
    lawyer = "a@lawyers.example"
    excluded = office.mail(sender=("A Lawyer", lawyer), message_id="<2@x.example>")
    assert checked(await office.add(excluded, lawyer), 422)["code"] == "excluded"
    missing = {"kind": "email", "id": "AAMkAGNOSUCHITEM="}
    assert checked(await office.add(missing, JANE), 404)["code"] == "item_not_found"
    ghost = {"dataverse": "5d0c1a52-0000-4000-8000-000000000000", "salesforce": "001000000000001"}
    nowhere = {"type": "account", "id": ghost[office.crm]}
    answer = await office.add(item, JANE, company=nowhere)
    assert checked(answer, 404)["code"] == "record_not_found"
    assert checked(await office.propose(item, JANE), 200, ProposalShape)["existing"] is None


async def test_what_is_too_long_is_told(office: Office) -> None:
    item = office.mail(sender=("Jane Doe", JANE))
    made = checked(await office.add(item, JANE, lastName="x" * 200), 201, ContactCardShape)
    assert [notice["code"] for notice in made["notices"]] == ["contact_truncated"]
    assert 50 <= len(made["lastName"]) <= 80
    far = f"{'x' * 90}@fenwick-cold.example"
    refused = await office.add(office.mail(sender=("J", far), message_id="<3@x.example>"), far)
    assert [error["field"] for error in checked(refused, 422)["errors"]] == ["address"]


async def test_bad_requests_are_told_before_anything_is_asked(office: Office) -> None:
    item = office.mail(sender=("Jane Doe", JANE))
    await office.propose(item, JANE)
    before = len(office.sandbox.requests())
    for fields in ({"lastName": " "}, {"surprise": 1}, {"firstName": "a\nb"}, {"company": {}}):
        assert checked(await office.add(item, JANE, **fields), 422)["errors"]
    assert checked(await office.add(item, "x@y\r\nz"), 422)["errors"]
    lone = b'{"item": {"kind": "email", "id": "A"}, "address": "\\ud800@x.example"}'
    client = Client(office.sandbox.token(ANNA))
    assert (await client.call("create_contact", body=lone)).status in (400, 422)
    assert len(office.sandbox.requests()) == before


async def test_a_warm_call_takes_one_of_graph_and_two_of_the_crm(office: Office) -> None:
    item = office.mail(sender=("Jane Doe", JANE))
    await office.propose(item, JANE)
    before = {s: len(office.sandbox.requests(s)) for s in ("graph", office.crm, "entra")}
    checked(await office.add(item, JANE), 201, ContactCardShape)
    made = {s: len(office.sandbox.requests(s)) - n for s, n in before.items()}
    assert made == {"graph": 1, office.crm: 2, "entra": 0}


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_crm_that_fails_is_told(office: Office, status: int) -> None:
    item = office.mail(sender=("Jane Doe", JANE))
    checked(await office.propose(item, JANE), 200, ProposalShape)
    codes = {429: "throttled", 500: "upstream", 503: "unavailable"}
    office.sandbox.fault(
        service=office.crm, status=status, headers={"Retry-After": "900"}, times=99
    )
    assert (await office.propose(item, JANE)).body["code"] == codes[status]
    assert (await office.add(item, JANE)).body["code"] == codes[status]
    office.sandbox.clear_faults()
    checked(await office.add(item, JANE), 201, ContactCardShape)


async def test_no_log_line_names_the_person(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = "s3cret-jane@customer.example"
    item = office.mail(sender=("S3cret Jane", address), html="<p>s3cret body</p>")
    await office.propose(item, address)
    office.sandbox.fault(service=office.crm, status=400, body="s3cret", times=1)
    await office.add(item, address)
    office.sandbox.clear_faults()
    checked(await office.add(item, address), 201, ContactCardShape)
    ours = [r for r in caplog.records if not r.name.startswith(("sandbox", "asyncio"))]
    assert any("create_contact" in record.getMessage() for record in ours)
    for record in ours:
        line = logging.Formatter().format(record)
        assert "s3cret" not in line.lower(), line
        assert "@" not in line or record.name.startswith("mailparser_reply"), line  # its patterns
