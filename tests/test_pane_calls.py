"""The calls that fill the pane, through the running triggers against the sandbox's whole cloud."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from describe_form.payload import FormShape
from sandbox import salesforce
from sandbox.running import Running
from shared.wire import Answered, Problem
from suggest_links.payload import RecordsShape, SuggestedShape
from tests.contract.mailbox_items import Appointment, Mail
from tests.deployment import Answer, Client, deployed

ANNA = "anna.kowalska@contoso.example"
BERND = "bernd.schaefer@contoso.example"
CLAIRE = "claire.dubois@contoso.example"
DIEGO = "diego.fernandez@contoso.example"  # sees only his own records
EMI = "emi.tanaka@contoso.example"
GRACE = "grace.okafor@contoso.example"  # has no CRM licence
HENRY = "henry.whitfield@contoso.example"
JAKUB = "jakub.nowak@contoso.example"
LIAM = "liam.murphy@contoso.example"
SUPPORT = "support@contoso.example"  # which Claire may open


@dataclass(frozen=True)
class Words:
    """What differs by the CRM: its names, what it calls things, and how many calls a warm pane
    takes. `shown` are a website's and a deal's key fields with their values; `topic` is a value of
    the choice among the category fields, `lookup` a type with a record named `found` there."""

    crm: str
    product: str
    fields: Mapping[str, Sequence[str]]
    is_open: Mapping[str, Any]
    categories: Sequence[Mapping[str, Any]]
    calls: int
    shown: tuple[tuple[str, str], tuple[tuple[str, str], tuple[str, str]]]
    topic: int | str
    lookup: str
    found: str
    most_minutes: tuple[int, int]
    most_bytes: int

    @property
    def policy(self) -> dict[str, Any]:
        return {
            "recordTypes": [
                {
                    "type": "opportunity",
                    "keyFields": self.fields["opportunity"],
                    "filters": [{"name": "Open", "conditions": [self.is_open]}],
                },
                {"type": "account", "keyFields": self.fields["account"]},
                {"type": "case", "keyFields": self.fields["case"]},
                {"type": "contact"},
                {"type": "lead"},
            ],
            "emailCategories": self.categories,
            "exclusions": {"domains": ["lawyers.example"]},
            "languages": ["en", "de", "pl"],
        }


WORDS = {
    "dataverse": Words(
        crm="dataverse",
        product="Dynamics 365",
        fields={
            "opportunity": ["parentaccountid", "estimatedvalue"],
            "account": ["websiteurl"],
            "case": ["ticketnumber"],
        },
        is_open={"field": "statecode", "value": 0},
        categories=[
            {"name": "new_topic", "type": "choice", "required": True},
            {"name": "new_region", "type": "lookup", "lookupType": "new_region"},
            {"name": "new_minutes", "type": "integer"},
        ],
        calls=2,
        shown=(
            ("Website", "https://www.fenwick-cold.example"),
            (("Account", "Fenwick Cold Storage Ltd"), ("Est. Revenue", "")),
        ),
        topic=100_000_000,
        lookup="new_region",
        found="North",
        most_minutes=(0, 1440),
        most_bytes=3_932_160,
    ),
    "salesforce": Words(
        crm="salesforce",
        product="Salesforce",
        fields={
            "opportunity": ["AccountId", "Amount"],
            "account": ["Website"],
            "case": ["CaseNumber"],
        },
        is_open={"field": "IsClosed", "value": False},
        categories=[
            {"name": "New_Topic__c", "type": "choice", "required": True},
            {"name": "Campaign_Ref__c", "type": "lookup", "lookupType": "Campaign"},
            {"name": "Rating__c", "type": "integer"},
        ],
        calls=4,
        shown=(
            ("Website", "https://www.fenwick-cold.example"),
            (("Account", "Fenwick Cold Storage Ltd"), ("Amount", "")),
        ),
        topic="Prices",
        lookup="Campaign",
        found="Cold Chain Webinar",
        most_minutes=(-9999, 9999),
        most_bytes=100 * 1024 * 1024,
    ),
}


class Office:
    def __init__(self, sandbox: Running, document: Path, words: Words) -> None:
        self.sandbox = sandbox
        self.document = document
        self.words = words

    def __getitem__(self, address: str) -> Client:
        return Client(self.sandbox.token(address))

    def sample(self, owner: str, subject: str, kind: str = "email") -> dict[str, str]:
        """The newest item in that mailbox whose subject begins so."""
        what = "messages" if kind == "email" else "events"
        rows = self.graph(owner, f"me/{what}", {"$select": "id,subject", "$top": "999"})
        ids = [row["id"] for row in rows if row["subject"].startswith(subject)]
        assert ids, subject
        return {"kind": kind, "id": ids[0]}

    def graph(self, owner: str, path: str, params: dict[str, str]) -> list[dict[str, Any]]:
        answer = httpx.get(
            f"{self.sandbox.url}/graph/v1.0/{path}",
            params=params,
            headers={"Authorization": f"Bearer {self.sandbox.token(owner, 'graph')}"},
        )
        rows: list[dict[str, Any]] = answer.raise_for_status().json()["value"]
        return rows

    def lost_deal(self) -> dict[str, str]:
        deals = self.sandbox.world.company.opportunities
        id_ = next(deal.id for deal in deals if deal.state == "lost")
        if self.words.crm == "salesforce":
            id_ = salesforce.record_id("opportunity", id_)
        return {"type": "opportunity", "id": id_}

    def mail(self, owner: str = ANNA, **fields: Any) -> dict[str, str]:
        return {
            "kind": "email",
            "id": self.sandbox.deliver_mail(Mail(**fields).source(), owner),
        }


@pytest.fixture(params=list(WORDS.values()), ids=list(WORDS))
async def office(
    request: pytest.FixtureRequest,
    fresh_sandbox: Running,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> AsyncIterator[Office]:
    """The app with one CRM after the other."""
    words: Words = request.param
    document = tmp_path / "policy.json"
    document.write_text(json.dumps(words.policy), "utf-8")
    async with deployed(fresh_sandbox, monkeypatch, words.crm):
        monkeypatch.setenv("THREADLINE_POLICY_FILE", str(document))
        if words.crm == "salesforce":
            monkeypatch.setenv("THREADLINE_SALESFORCE_BLOCKED_EXTENSIONS", "exe,bat")
        yield Office(fresh_sandbox, document, words)


def checked(answer: Answer, status: int, shape: type[Answered] = Problem) -> dict[str, Any]:
    assert answer.status == status, answer.body
    assert answer.headers["x-correlation-id"]
    shape.model_validate_json(json.dumps(answer.body))
    return answer.body


SAMPLES = [
    (ANNA, "email", "Handheld scanners for the Felixstowe hub: request", "Handheld scanners for"),
    (ANNA, "email", "FW: Yard scanners", "Asked about yard scanners"),
    (ANNA, "meeting", "Site visit: handheld scanners", "Handheld scanners for"),
    (ANNA, "email", "Telematyka dla floty 150 pojazdów – pytania", "Telematyka dla floty"),
    (ANNA, "meeting", "Przegląd tygodniowy", ""),
    (BERND, "email", "Lagerverwaltung Ersatzteillager", "Lagerverwaltung für das"),
    (BERND, "meeting", "Stichtagsinventur bei Brandt Austria", "Mobile Inventur Österreich"),
    (CLAIRE, "email", "Traçabilité des lots", "Traçabilité des lots"),
    (CLAIRE, "meeting", "Comité de pilotage", "Armoires à pharmacie"),
    (DIEGO, "email", "Renovación de terminales de mano", "Renovación de terminales"),
    (DIEGO, "email", "Apertura del centro de Querétaro", "Apertura del centro"),
    (EMI, "email", "ハンディターミナル更新の日程", "東京物流センター"),
    (EMI, "email", "冷凍倉庫の在庫管理自動化", "冷凍倉庫の在庫管理自動化"),
    (EMI, "meeting", "東京物流センター", "東京物流センター"),
    (HENRY, "email", "Dublin depot: yard cameras", "Dublin depot yard cameras"),
    (LIAM, "email", "Driver app: installer and log", "Driver app logs people out"),
]


LEADS = {"Asked about yard scanners": "Gordon Mayhew"}
"""Leads by their topic, and by their person where they have none."""


@pytest.mark.parametrize(("owner", "kind", "subject", "expected"), SAMPLES)
async def test_the_right_record_comes_first_in_every_language(
    office: Office, owner: str, kind: str, subject: str, expected: str
) -> None:
    answer = await office[owner].suggest(**office.sample(owner, subject, kind))
    found = checked(answer, 200, SuggestedShape)["suggestions"]
    if office.words.crm == "salesforce":
        expected = LEADS.get(expected, expected)
    assert found[0]["name"].startswith(expected)
    assert found[0]["reasons"]
    assert 0 < sum(one["score"] for one in found) <= 1.001
    assert found[0]["url"].startswith("https://")


@pytest.mark.parametrize(
    ("owner", "subject"),
    [
        (ANNA, "Keg tracking for a small brewery"),
        (ANNA, "You have <b>won</b>"),
        (ANNA, "Lunch and the Brandt numbers"),
    ],
)
async def test_nothing_is_suggested_where_nobody_is_known(
    office: Office, owner: str, subject: str
) -> None:
    answer = await office[owner].suggest(**office.sample(owner, subject))
    assert checked(answer, 200, SuggestedShape)["suggestions"] == []


async def test_one_answer_feeds_the_pane(office: Office) -> None:
    item = office.sample(ANNA, "Handheld scanners for the Felixstowe hub: request")
    found = checked(await office[ANNA].suggest(**item), 200, SuggestedShape)
    assert list(found["related"]) == ["opportunity", "account", "case", "contact", "lead"]
    assert [one["name"] for one in found["related"]["account"]] == ["Harbourline Logistics Ltd"]
    assert {one["email"] for one in found["contacts"]} == {
        "margaret.ellison@harbourline.example",
        "priya.raman@harbourline.example",
    }
    assert found["unmatched"] == []


async def test_a_shared_mailbox_feeds_its_members_panes_only(office: Office) -> None:
    known = office.sandbox.world.company.contacts[0]
    item = office.mail(SUPPORT, sender=(known.first_name, known.email)) | {"mailbox": SUPPORT}
    found = checked(await office[CLAIRE].suggest(**item), 200, SuggestedShape)
    assert known.email in {one["email"] for one in found["contacts"]}
    assert found["suggestions"]
    assert checked(await office[BERND].suggest(**item), 403)["code"] == "forbidden"


async def test_what_was_saved_here_before_is_suggested_again(office: Office) -> None:
    """The choice is kept by the CRM alone, and every colleague has it."""
    link = office.lost_deal()
    first = office.mail(message_id="<t1@customer.example>", subject="Quotation")
    topic = {office.words.categories[0]["name"]: office.words.topic}
    saved = await office[ANNA].save(item=first, links=[link], categories=topic)
    assert saved.status == 201, saved.body
    answer = office.mail(
        BERND,
        message_id="<t3@customer.example>",
        in_reply_to="<t2@contoso.example>",
        references=("<t1@customer.example>", "<t2@contoso.example>"),
        subject="AW: Quotation",
    )
    (top, *_) = checked(await office[BERND].suggest(**answer), 200, SuggestedShape)["suggestions"]
    assert top["id"].lower() == link["id"].lower()
    assert "same_conversation" in [reason["code"] for reason in top["reasons"]]
    later = office.mail(message_id="<other@customer.example>", subject="Something new")
    (top, *_) = checked(await office[ANNA].suggest(**later), 200, SuggestedShape)["related"][
        "opportunity"
    ]
    assert top["id"].lower() == link["id"].lower()


async def test_who_sees_only_own_records_gets_no_suggestions_of_others(office: Office) -> None:
    fields = {
        "sender": ("Margaret Ellison", "margaret.ellison@harbourline.example"),
        "subject": "Handheld scanners for the Felixstowe hub",
    }
    seen = checked(await office[ANNA].suggest(**office.mail(ANNA, **fields)), 200, SuggestedShape)
    assert seen["suggestions"]
    hidden = checked(
        await office[DIEGO].suggest(**office.mail(DIEGO, **fields)), 200, SuggestedShape
    )
    assert hidden["suggestions"] == []
    assert hidden["contacts"] == []
    assert not any(hidden["related"].values())
    found = checked(await office[DIEGO].records(q="Harbourline"), 200, RecordsShape)
    assert found["records"] == []


async def test_who_may_not_is_told_so(office: Office) -> None:
    grace = office[GRACE]
    item = office.mail(GRACE)
    for answer in (
        await grace.suggest(**item),
        await grace.records(q="x"),
        await grace.form(kind="email"),
    ):
        assert checked(answer, 403)["code"] == "forbidden"
    nobody = Client("")
    for answer in (
        await nobody.suggest(**item),
        await nobody.records(q="x"),
        await nobody.form(kind="email"),
    ):
        assert checked(answer, 401)["code"] == "unauthenticated"


async def test_a_warm_pane_needs_one_call_of_graph_and_few_of_the_crm(office: Office) -> None:
    """In two rounds: Salesforce takes three calls side by side in the first."""
    anna, crm = office[ANNA], office.words.crm
    item = office.sample(ANNA, "Handheld scanners for the Felixstowe hub: request")
    await anna.suggest(**item)
    before = {s: len(office.sandbox.requests(s)) for s in ("graph", crm, "entra")}
    await anna.suggest(**item)
    made = {s: len(office.sandbox.requests(s)) - n for s, n in before.items()}
    assert made == {"graph": 1, crm: office.words.calls, "entra": 0}


async def test_an_item_with_someone_excluded_is_refused(office: Office) -> None:
    item = office.mail(sender=("A Lawyer", "a@lawyers.example"))
    assert checked(await office[ANNA].suggest(**item), 422)["code"] == "excluded"
    missing = {"kind": "email", "id": "AAMkAGNOSUCHITEM="}
    assert checked(await office[ANNA].suggest(**missing), 404)["code"] == "item_not_found"


async def test_records_come_with_their_key_fields(office: Office) -> None:
    anna = office[ANNA]
    found = checked(
        await anna.records(q="fenwick", types="opportunity,account", limit="10"), 200, RecordsShape
    )["records"]
    account = next(one for one in found if one["type"] == "account")
    assert account["name"] == "Fenwick Cold Storage Ltd"
    website, of_deal = office.words.shown
    assert account["keyFields"] == [{"label": website[0], "value": website[1]}]
    deal = next(one for one in found if one["type"] == "opportunity")
    assert deal["keyFields"] == [{"label": label, "value": value} for label, value in of_deal]
    filtered = checked(
        await anna.records(q="fenwick", types="opportunity", filter="Open"), 200, RecordsShape
    )["records"]
    assert [one["name"] for one in filtered] == ["Cold room temperature monitoring, phase 2"]
    part, name = office.words.found[:3].upper(), office.words.found
    looked_up = checked(await anna.records(q=part, types=office.words.lookup), 200, RecordsShape)
    assert [one["name"] for one in looked_up["records"]] == [name]
    assert len(checked(await anna.records(limit="3"), 200, RecordsShape)["records"]) == 3


@pytest.mark.parametrize(
    "query",
    [
        {"q": "x\x00"},
        {"q": "x" * 401},
        {"limit": "0"},
        {"limit": "51"},
        {"limit": "ten"},
        {"limit": "1e1"},
        {"types": "account;contact"},
        {"types": "account) or true"},
        {"types": ",account"},
        {"filter": "No such filter"},
        {"language": "de;drop"},
        {"surprise": "1"},
    ],
)
async def test_odd_queries_are_told_what_is_wrong(office: Office, query: dict[str, str]) -> None:
    answer = checked(await office[ANNA].records(**query), 422)
    assert answer["errors"][0]["field"] in query


async def test_a_type_that_the_admin_did_not_add_is_refused(office: Office) -> None:
    answer = await office[ANNA].records(q="x", types="account,systemuser")
    assert checked(answer, 422)["code"] == "type_not_connectable"


@pytest.mark.parametrize(
    "text",
    [
        "o'",
        "') or 1 eq 1 or contains(name,'",
        "%",
        "_____",
        "[a-z]",
        "]]><x>",
        "\\*:* AND (",
        '"unclosed',
        "{crmhit}",
        "田中' or '1'='1",
        "a" * 400,
        "🚚📦",
    ],
)
async def test_every_character_stands_for_itself(office: Office, text: str) -> None:
    found = checked(await office[ANNA].records(q=text, limit="50"), 200, RecordsShape)
    assert len(found["records"]) <= 5


async def test_hostile_bodies_are_refused_before_anything_is_asked(office: Office) -> None:
    anna = office[ANNA]
    await anna.records(q="x")
    before = len(office.sandbox.requests())
    call = anna.call
    assert checked(await call("suggest_links", body=b"{"), 400)["code"] == "malformed"
    assert checked(await call("suggest_links", body=b"x" * (2**20 + 1)), 413)["code"] == "too_large"
    deep = b"[" * 100_000
    assert checked(await call("suggest_links", body=deep), 400)["code"] == "malformed"
    padded = {"item": {"kind": "email", "id": "A"}, "pad": "x" * 2**19}
    assert checked(await call("suggest_links", body=padded), 422)["errors"]
    assert checked(await anna.suggest(kind="email", id="a/b"), 422)["errors"]
    assert checked(await anna.suggest(kind="task", id="A"), 422)["errors"]
    assert checked(await anna.form(kind="task"), 422)["errors"]
    assert len(office.sandbox.requests()) == before


async def test_an_item_full_of_hostile_words_gets_a_sound_answer(office: Office) -> None:
    anna = office[ANNA]
    item = office.sample(ANNA, "O'Neil said")
    assert checked(await anna.suggest(**item), 200, SuggestedShape)["suggestions"]
    crowd = tuple((f"G'{n}", f"guest{n}%_[x]@crowd{n}.example") for n in range(400))
    mail = office.mail(
        sender=("%' or 1 eq 1", "o'brien%_@nowhere.example"),
        to=(("Anna", ANNA), *crowd),
        subject="') or startswith(name,'",
        html="<p>" + "&lt;x&gt; [a-z]% " * 60_000,
    )
    found = checked(await anna.suggest(**mail), 200, SuggestedShape)
    assert found["suggestions"] == []


async def test_the_form_speaks_the_user_s_language(office: Office) -> None:
    anna = office[ANNA]
    found = checked(await anna.form(kind="email", language="pl"), 200, FormShape)
    words = office.words
    assert (found["crm"], found["crmName"], found["enabled"]) == (words.crm, words.product, True)
    assert [one["type"] for one in found["recordTypes"]] == [
        one["type"] for one in words.policy["recordTypes"]
    ]
    assert found["recordTypes"][0]["filters"] == ["Open"]
    topic, region, minutes = found["categories"]
    assert [option["label"] for option in topic["options"]] == {
        "dataverse": ["Sprzedaż", "Wsparcie", "Reklamacja", "Umowa"],
        "salesforce": ["Prices", "Delivery", "Support", "Contract"],
    }[words.crm]
    assert topic["required"]
    assert region["lookupTypes"] == [words.lookup]
    assert (minutes["minimum"], minutes["maximum"]) == words.most_minutes
    assert found["attachments"]["mode"] == "all"
    assert found["attachments"]["maxBytes"] == words.most_bytes
    assert "exe" in found["attachments"]["blockedExtensions"]
    assert found["banner"] == {"enabled": True, "maxPerDay": 2}
    assert found["languages"] == ["en", "de", "pl"]
    assert found["notices"] == []
    if words.crm == "salesforce":  # which speaks the language that a user chose there
        office.sandbox.configure_salesforce(languages={BERND: "de"})
    german = await office[BERND].call(
        "describe_form", query={"kind": "email"}, headers={"Accept-Language": "de-AT,de;q=0.9"}
    )
    label = german.body["categories"][0]["options"][0]["label"]
    assert label == {"dataverse": "Vertrieb", "salesforce": "Preise"}[words.crm]
    meeting = checked(await anna.form(kind="meeting"), 200, FormShape)
    assert meeting["categories"] == []


async def test_a_bad_policy_document_takes_nothing_down(office: Office) -> None:
    anna = office[ANNA]
    checked(await anna.form(kind="email"), 200, FormShape)
    office.document.write_text('{"attachments": "s3cret"}', "utf-8")
    assert checked(await anna.form(kind="email"), 200, FormShape)["languages"] == ["en", "de", "pl"]
    excluded = office.mail(sender=("A Lawyer", "a@lawyers.example"))
    assert checked(await anna.suggest(**excluded), 422)["code"] == "excluded"


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_crm_that_fails_is_told(office: Office, status: int) -> None:
    anna, item = office[ANNA], office.mail()
    codes = {429: "throttled", 500: "upstream", 503: "unavailable"}
    office.sandbox.fault(
        service=office.words.crm, status=status, headers={"Retry-After": "900"}, times=99
    )
    for answer in (
        await anna.suggest(**item),
        await anna.records(q="harbour"),
        await anna.form(kind="email"),
    ):
        assert answer.body["code"] == codes[status]
    office.sandbox.clear_faults()
    checked(await anna.suggest(**item), 200, SuggestedShape)


async def test_the_meeting_of_a_series_is_suggested_what_another_was_saved_to(
    office: Office,
) -> None:
    link = office.lost_deal()
    raw = Appointment(uid="weekly@contoso.example", weeks=3, subject="Weekly").calendar()
    series = office.sandbox.deliver_meeting(raw, ANNA)
    between = {"startDateTime": "2026-03-01T00:00:00Z", "endDateTime": "2026-05-01T00:00:00Z"}
    first, second, *_ = (
        one["id"] for one in office.graph(ANNA, f"me/events/{series}/instances", between)
    )
    anna = office[ANNA]
    saved = await anna.save(item={"kind": "meeting", "id": first}, links=[link])
    assert saved.status == 201, saved.body
    found = checked(await anna.suggest(kind="meeting", id=second), 200, SuggestedShape)
    assert found["suggestions"][0]["id"].lower() == link["id"].lower()
