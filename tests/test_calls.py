"""The calls of the HTTP API, as docs say them, against the sandbox's whole cloud."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.running import Running
from shared.wire import ActivityShape, Problem
from tests.contract.mailbox_items import Appointment, Enclosure, Mail
from tests.deployment import Answer, Client, deployed

ANNA = "anna.kowalska@contoso.example"
BERND = "bernd.schaefer@contoso.example"
DIEGO = "diego.fernandez@contoso.example"  # sees only his own records
GRACE = "grace.okafor@contoso.example"  # has no CRM licence
JAKUB = "jakub.nowak@contoso.example"  # may not write


class Office:
    """The sandbox, and its people as clients of the app."""

    def __init__(self, sandbox: Running) -> None:
        self.sandbox = sandbox
        self.company = sandbox.world.company

    def __getitem__(self, address: str) -> Client:
        return Client(self.sandbox.token(address))

    def mail(self, *mailboxes: str, **fields: Any) -> dict[str, str]:
        """Delivers one mail to each of them; names the first one's as that person does."""
        raw = Mail(**fields).source()
        ids = [self.sandbox.deliver_mail(raw, mailbox) for mailbox in mailboxes or (ANNA,)]
        return {"kind": "email", "mailbox": "me", "id": ids[0]}

    def meeting(self, mailbox: str = ANNA, **fields: Any) -> dict[str, str]:
        id_ = self.sandbox.deliver_meeting(Appointment(**fields).calendar(), mailbox)
        return {"kind": "meeting", "mailbox": "me", "id": id_}

    def link(self, type_: str = "opportunity") -> dict[str, str]:
        records = {"opportunity": self.company.opportunities, "account": self.company.accounts}
        return {"type": type_, "id": records[type_][0].id}


@pytest.fixture
async def office(fresh_sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    async with deployed(fresh_sandbox, monkeypatch):
        yield Office(fresh_sandbox)


def checked(answer: Answer, status: int) -> dict[str, Any]:
    """The body, its shape checked and its correlation id found."""
    assert answer.status == status, answer.body
    assert answer.headers["x-correlation-id"]
    shape = ActivityShape if status < 300 else Problem
    shape.model_validate_json(json.dumps(answer.body))
    return answer.body


@pytest.mark.parametrize("kind", ["email", "meeting"])
async def test_save_find_edit_delete(office: Office, kind: str) -> None:
    item = office.mail() if kind == "email" else office.meeting()
    anna, query = office[ANNA], {"kind": kind, "mailbox": "me", "item": item["id"]}
    assert checked(await anna.find(**query), 404)["code"] == "not_saved"
    saved = checked(await anna.save(item=item, links=[office.link()]), 201)
    assert saved["kind"] == kind
    assert saved["crm"] == "dataverse"
    assert saved["savedBy"] == {"name": "Anna Kowalska", "email": ANNA}
    assert [link["id"].lower() for link in saved["links"]] == [office.link()["id"].lower()]
    assert saved["links"][0]["name"] == office.company.opportunities[0].name
    again = checked(await anna.save(item=item, links=[office.link()]), 200)
    assert again == saved
    assert checked(await anna.find(**query), 200) == saved
    edited = checked(await anna.edit(kind, saved["id"], links=[office.link("account")]), 200)
    assert [link["type"] for link in edited["links"]] == ["account"]
    assert checked(await anna.find(**query), 200) == edited
    deleted = await anna.delete(kind, saved["id"])
    assert deleted.status == 200
    assert deleted.body.pop("message")
    assert deleted.body == {"kind": kind, "id": saved["id"], "deleted": True}
    assert checked(await anna.find(**query), 404)["code"] == "not_saved"
    assert checked(await anna.delete(kind, saved["id"]), 404)["code"] == "record_not_found"


async def test_two_mailboxes_of_one_mail_give_one_record(office: Office) -> None:
    raw = Mail().source()
    ids = {who: office.sandbox.deliver_mail(raw, who) for who in (ANNA, BERND)}
    answers = await asyncio.gather(
        *(office[who].save(item={"kind": "email", "id": id_}) for who, id_ in list(ids.items()) * 5)
    )
    assert sorted(answer.status for answer in answers) == [200] * 9 + [201]
    assert len({answer.body["id"] for answer in answers}) == 1


async def test_attachments_go_along_and_what_does_not_is_told(office: Office) -> None:
    item = office.mail(
        enclosures=(
            Enclosure("offer.pdf", b"%PDF", "application/pdf"),
            Enclosure("tool.exe", b"MZ"),
            Enclosure("logo.png", b"PNG", "image/png", inline=True),
            Enclosure("forwarded", Mail(subject="Inner").source(), kind="item"),
        )
    )
    files = checked(await office[ANNA].save(item=item), 201)["attachments"]
    names = sorted(one["name"] for one in files["saved"])
    assert len(names) == 2
    assert "offer.pdf" in names
    assert any(name.endswith(".eml") for name in names)
    assert files["rejected"] == [{"name": "tool.exe", "reason": "blocked_type"}]


async def test_files_too_large_to_read_ahead_are_saved_and_larger_ones_refused(
    office: Office,
) -> None:
    megabyte = 1024 * 1024
    item = office.mail(
        enclosures=(
            Enclosure("plan.bin", b"x" * (3 * megabyte + 500_000)),
            Enclosure("film.bin", b"x" * (5 * megabyte)),
        )
    )
    files = checked(await office[ANNA].save(item=item), 201)["attachments"]
    assert [one["name"] for one in files["saved"]] == ["plan.bin"]
    (refused,) = files["rejected"]
    assert (refused["name"], refused["reason"]) == ("film.bin", "too_large")
    assert 3 * megabyte < refused["limit"] < 4 * megabyte


async def test_a_warm_save_makes_four_round_trips(office: Office) -> None:
    anna = office[ANNA]
    checked(await anna.save(item=office.mail()), 201)
    item = office.mail(
        message_id="<warm@customer.example>",
        enclosures=tuple(Enclosure(f"{n}.txt", b"abc", "text/plain") for n in range(3)),
    )
    before = {s: len(office.sandbox.requests(s)) for s in ("graph", "dataverse", "entra")}
    saved = checked(await anna.save(item=item, links=[office.link()]), 201)
    assert len(saved["attachments"]["saved"]) == 3
    made = {s: len(office.sandbox.requests(s)) - n for s, n in before.items()}
    assert made["graph"] <= 2
    assert made["dataverse"] <= 2
    assert made["entra"] == 0


async def test_who_may_not_is_told_so(office: Office) -> None:
    item = office.mail(ANNA, JAKUB, GRACE)
    saved = checked(await office[ANNA].save(item=item), 201)
    jakub, grace = (
        {"kind": "email", "id": office.sandbox.deliver_mail(Mail().source(), who)}
        for who in (JAKUB, GRACE)
    )
    assert checked(await office[GRACE].save(item=grace), 403)["code"] == "forbidden"
    assert checked(await office[JAKUB].delete("email", saved["id"]), 403)["code"] == "forbidden"
    found = await office[JAKUB].find(kind="email", item=jakub["id"])
    assert checked(found, 200)["id"] == saved["id"]
    other = {"kind": "email", "mailbox": ANNA, "id": item["id"]}
    assert checked(await office[BERND].save(item=other), 403)["code"] == "forbidden"


async def test_a_record_that_one_may_not_see_is_not_doubled(office: Office) -> None:
    checked(await office[ANNA].save(item=office.mail()), 201)
    mine = {"kind": "email", "id": office.sandbox.deliver_mail(Mail().source(), DIEGO)}
    assert checked(await office[DIEGO].save(item=mine), 403)["code"] == "forbidden"


@pytest.mark.parametrize(
    ("token", "status"), [("", 401), ("x.y.z", 401), ("eyJhbGciOiJub25lIn0.e30.", 401)]
)
async def test_without_a_good_token_nothing_is_told(
    office: Office, token: str, status: int
) -> None:
    answer = await Client(token).save(item={"kind": "email", "id": "A"})
    assert checked(answer, status)["code"] == "unauthenticated"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_what_is_not_there_is_told_apart(office: Office) -> None:
    anna = office[ANNA]
    missing = {"kind": "email", "id": "AAMkAGNOSUCHITEM="}
    assert checked(await anna.save(item=missing), 404)["code"] == "item_not_found"
    ghost = {"type": "account", "id": "5d0c1a52-0000-4000-8000-000000000000"}
    nothing = await anna.save(item=office.mail(), links=[ghost])
    assert checked(nothing, 404)["code"] == "record_not_found"
    queue = {"type": "user", "id": ghost["id"]}
    refused = await anna.save(item=office.mail(), links=[queue])
    assert checked(refused, 422)["code"] == "type_not_connectable"


async def test_bad_requests_are_told_before_anything_is_asked(office: Office) -> None:
    anna = office[ANNA]
    checked(await anna.find(kind="email", item="AAA="), 404)
    before = len(office.sandbox.requests())
    assert checked(await anna.call("save_activity", body=b"{"), 400)["code"] == "malformed"
    assert checked(await anna.call("save_activity", body=b"x" * 10**7), 413)["code"] == "too_large"
    assert checked(await anna.save(item={"kind": "email", "id": "a/b"}), 422)["errors"]
    assert checked(await anna.edit("task", "1", links=[]), 422)["errors"]
    assert checked(await anna.delete("email", "1'"), 422)["errors"]
    assert checked(await anna.find(kind="email"), 422)["errors"]
    assert len(office.sandbox.requests()) == before


async def test_the_mailbox_of_a_team_can_be_saved_from(office: Office) -> None:
    id_ = office.sandbox.deliver_mail(Mail().source(), "sales@contoso.example")
    item = {"kind": "email", "mailbox": "sales@contoso.example", "id": id_}
    saved = checked(await office[ANNA].save(item=item), 201)
    assert saved["savedBy"]["email"] == ANNA


async def test_throttling_is_passed_on_with_the_wait(office: Office) -> None:
    item = office.mail()
    office.sandbox.fault(service="dataverse", status=429, headers={"Retry-After": "900"}, times=10)
    answer = await office[ANNA].save(item=item)
    assert checked(answer, 429)["retryAfter"] == 900
    assert answer.headers["Retry-After"] == "900"
    office.sandbox.clear_faults()
    checked(await office[ANNA].save(item=item), 201)


async def test_health_is_open_to_all(office: Office) -> None:
    answer = await Client("").call("health")
    assert answer.status == 200
    assert answer.body == {
        "status": "ok",
        "checks": {"settings": "ok", "policy": "ok", "crm": "ok"},
    }


@pytest.mark.parametrize("service", ["graph", "dataverse"])
async def test_no_log_line_holds_address_subject_body_or_token(
    office: Office, caplog: pytest.LogCaptureFixture, service: str
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = ("s3cret-subject", "s3cret-body", "s3cret-name", "s3cret-sender", "s3cret-file")
    item = office.mail(
        subject="s3cret-subject",
        html="<p>s3cret-body</p>",
        sender=("s3cret-name", "s3cret-sender@customer.example"),
        enclosures=(Enclosure("s3cret-file.txt", b"abc", "text/plain"),),
    )
    anna = office[ANNA]
    for status, body in ((500, "s3cret-body"), (400, '{"error": {"message": "s3cret-name"}}')):
        office.sandbox.fault(service=service, status=status, body=body, times=1)
        answer = await anna.save(item=item)
        assert not any(secret in json.dumps(answer.body) for secret in secrets)
        office.sandbox.clear_faults()
    saved = await anna.save(item=item)
    assert saved.status in {200, 201}
    token = office.sandbox.token(ANNA)
    ours = [r for r in caplog.records if not r.name.startswith(("sandbox", "asyncio"))]
    assert any(record.name == "threadline" for record in ours)
    for record in ours:
        line = logging.Formatter().format(record)
        assert not any(secret in line for secret in secrets), line
        assert "@" not in line
        assert "eyJ" not in line
        assert token not in line
