"""What is Salesforce's own: objects that are off, copies in place of edits, limits on people."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from simple_salesforce.api import Salesforce
from simple_salesforce.format import format_soql

from sandbox import salesforce
from shared.domain import Change, Filing, Role
from shared.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    ThreadlineError,
    Throttled,
    Unavailable,
    Upstream,
)
from tests.contract import items
from tests.contract.people import Cast
from tests.contract.salesforce_harness import SalesforceHarness
from tests.contract.saving import save, told


def plain_client(harness: SalesforceHarness, address: str) -> Salesforce:
    """simple-salesforce as anybody would use it."""
    token = harness.sandbox.token(address, audience="salesforce")
    return Salesforce(session_id=token, instance_url=harness.sandbox.url, version="64.0")


def count(harness: SalesforceHarness, object_: str) -> int:
    rows = harness.sandbox.world.store.all("salesforce", object_)
    return sum(not row["IsDeleted"] for row in rows)


async def test_a_plain_client_reads_what_was_saved(
    harness: SalesforceHarness, people: Cast
) -> None:
    mail = replace(
        items.email(
            items.sender(people.contact.email), *items.to(people.caller.address, "x@y.example")
        ),
        references=("<first@customer.example>",),
    )
    account = harness.ref("account", harness.company.accounts[0].id)
    crm = harness.crm(people.caller.address)
    saved = await save(crm, mail, account, [items.file("a b.txt", b"abc")])
    client = plain_client(harness, people.colleague.address)
    row = client.EmailMessage.get(saved.activity.id)
    assert row["Status"] == "1"
    assert row["Incoming"] is True
    assert row["MessageIdentifier"] == mail.message_id
    assert row["ThreadIdentifier"] == "<first@customer.example>"
    assert row["RelatedToId"] == account.id
    assert row["HtmlBody"] == mail.body.content
    assert row["FromAddress"] == people.contact.email
    assert row["ToAddress"] == "x@y.example"
    assert row["MessageDate"] == "2026-01-05T09:00:00.000+0000"
    related = client.query(
        format_soql(
            "SELECT RelationType, RelationId FROM EmailMessageRelation WHERE EmailMessageId = {}",
            row["Id"],
        )
    )["records"]
    assert {(r["RelationType"], r["RelationId"]) for r in related} == {
        ("FromAddress", harness.ref("contact", people.contact.id).id),
        ("ToAddress", salesforce.user_id(people.caller.address)),
    }
    files = client.query(
        format_soql(
            "SELECT ContentDocument.Title, ContentDocument.LatestPublishedVersionId "
            "FROM ContentDocumentLink WHERE LinkedEntityId = {}",
            row["Id"],
        )
    )["records"]
    assert [file["ContentDocument"]["Title"] for file in files] == ["a b"]
    version = files[0]["ContentDocument"]["LatestPublishedVersionId"]
    response = client.session.get(
        f"{client.base_url}sobjects/ContentVersion/{version}/VersionData", headers=client.headers
    )
    assert response.content == b"abc"


async def test_what_a_user_sent_is_outgoing(harness: SalesforceHarness, people: Cast) -> None:
    queue = harness.company.queues[0]
    crm = harness.crm(people.caller.address)
    client = plain_client(harness, people.caller.address)
    for number, sender in enumerate((people.colleague.address, queue.address)):
        mail = items.email(items.sender(sender), message_id=f"<{number}@contoso.example>")
        row = client.EmailMessage.get((await save(crm, mail)).activity.id)
        assert (row["Status"], row["Incoming"]) == ("3", False)


async def test_a_copy_by_a_colleague_keeps_all_but_the_link(
    harness: SalesforceHarness, people: Cast
) -> None:
    """An edit by a colleague replaces the record, and all but the link stays."""
    mail = items.email(
        items.sender(people.contact.email, "Jane"), *items.to(people.caller.address, "x@y.example")
    )
    files = [items.file("a.txt", b"abc"), items.file("b.txt", b"")]
    saved = await save(harness.crm(people.caller.address), mail, None, files, {"Note__c": "PO 1"})
    client = plain_client(harness, people.caller.address)
    client.EmailMessage.update(saved.activity.id, {"Rating__c": 5})
    before = client.EmailMessage.get(saved.activity.id)
    account = harness.ref("account", harness.company.accounts[0].id)
    changed = await harness.crm(people.colleague.address).edit(
        "email", saved.activity.id, Change(links=(account,))
    )
    assert changed.id != saved.activity.id
    expected = replace(
        told(saved.activity),
        id=changed.id,
        url=changed.url,
        links=changed.links,
        categories={**saved.activity.categories, "Rating__c": 5},
    )
    assert changed == expected
    after = client.EmailMessage.get(changed.id)
    ours = {"attributes", "Id", "RelatedToId", "Threadline_Saved_By__c", "Threadline_Saved_At__c"}
    stamps = {name for name in before if name.startswith(("Created", "LastModified", "SystemMod"))}
    same = before.keys() - ours - stamps
    assert {n: after[n] for n in same} == {n: before[n] for n in same}
    assert count(harness, "ContentDocument") == 2
    assert await harness.crm(people.caller.address).find(mail) == changed


async def test_categories_alone_need_no_copy(harness: SalesforceHarness, people: Cast) -> None:
    crm = harness.crm(people.caller.address)
    saved = (await save(crm, items.email())).activity
    changed = await crm.edit("email", saved.id, Change(categories={"Note__c": "x"}))
    assert changed.id == saved.id


@pytest.mark.parametrize("type_", ["contact", "lead"])
@pytest.mark.parametrize("kind", ["email", "meeting"])
async def test_a_link_to_a_person_is_told_from_the_related_people(
    harness: SalesforceHarness, people: Cast, kind: str, type_: str
) -> None:
    crm = harness.crm(people.caller.address)
    if kind == "email":
        item = items.email(items.sender(people.contact.email))
    else:
        item = items.meeting(items.organizer(people.caller.address))
    linked = {"contact": people.other_contact.id, "lead": harness.company.leads[0].id}[type_]
    link = harness.ref(type_, linked)
    saved = (await save(crm, item, link)).activity
    assert [(one.type, one.id) for one in saved.links] == [(type_, link.id)]
    if kind == "email":
        assert [one.id for one in saved.contacts] == [harness.ref("contact", people.contact.id).id]
    account = harness.ref("account", harness.company.accounts[0].id)
    moved = await crm.edit(item.kind, saved.id, Change(links=(account,)))
    assert [(one.type, one.id) for one in moved.links] == [("account", account.id)]
    back = await crm.edit(item.kind, moved.id, Change(links=(link,)))
    assert [(one.type, one.id) for one in back.links] == [(type_, link.id)]
    assert (await crm.edit(item.kind, back.id, Change(links=()))).links == ()


async def test_sixty_attendees_are_fifty_related_and_ten_noted(
    harness: SalesforceHarness, people: Cast
) -> None:
    contacts = [c for c in harness.company.contacts if c.email][:60]
    meet = items.meeting(
        items.organizer(people.caller.address), *items.attendees(*(c.email for c in contacts))
    )
    crm = harness.crm(people.caller.address)
    saved = await save(crm, meet)
    assert len(contacts) == 60
    assert len(saved.activity.contacts) == 50
    assert len(saved.activity.unmatched) == 10
    assert [notice.code for notice in saved.activity.notices] == ["recipients_truncated"]
    assert await crm.find(meet) == told(saved.activity)


async def test_related_people_of_a_meeting_are_changed(
    harness: SalesforceHarness, people: Cast
) -> None:
    crm = harness.crm(people.caller.address)
    meet = items.meeting(
        items.organizer(people.caller.address),
        *items.attendees(people.contact.email, "x@y.example"),
    )
    first = harness.ref("contact", people.contact.id)
    other = harness.ref("contact", people.other_contact.id)
    saved = (await save(crm, meet)).activity
    one = await crm.edit("meeting", saved.id, Change(contacts=(other,)))
    assert [contact.id for contact in one.contacts] == [other.id]
    assert set(one.unmatched) == {"x@y.example", people.contact.email}
    back = await crm.edit("meeting", one.id, Change(contacts=(first,)))
    assert [contact.id for contact in back.contacts] == [first.id]
    # who took no part leaves no address behind
    assert set(back.unmatched) == {"x@y.example"}
    none = await crm.edit("meeting", one.id, Change(contacts=()))
    assert none.contacts == ()


async def test_without_enhanced_email_a_completed_task_stands_in(
    harness: SalesforceHarness, people: Cast
) -> None:
    salesforce.configure(harness.sandbox.world, enhanced_email=False)
    crm = harness.crm(people.caller.address)
    mail = items.email(items.sender(people.contact.email), *items.to("x@y.example"))
    account = harness.ref("account", harness.company.accounts[0].id)
    saved = await save(crm, mail, account, [items.file("a.txt", b"abc")])
    assert [notice.code for notice in saved.activity.notices] == ["saved_as_task"]
    assert saved.activity.kind == "email"
    assert [link.id for link in saved.activity.links] == [account.id]
    assert saved.activity.unmatched == ("x@y.example",)
    again = await save(harness.crm(people.colleague.address), mail)
    assert not again.created
    assert await crm.find(mail) == told(saved.activity)
    row = plain_client(harness, people.caller.address).Task.get(saved.activity.id)
    assert (row["Status"], row["TaskSubtype"]) == ("Completed", "Email")
    changed = await crm.edit(
        "email", saved.activity.id, Change(links=(), categories={"Note__c": "x"})
    )
    assert (changed.id, changed.links) == (saved.activity.id, ())
    await crm.delete("email", changed.id)
    assert await crm.find(mail) is None


async def test_enhanced_email_switched_off_is_noticed_at_once(
    harness: SalesforceHarness, people: Cast
) -> None:
    crm = harness.crm(people.caller.address)
    assert await crm.find(items.email()) is None
    salesforce.configure(harness.sandbox.world, enhanced_email=False)
    saved = await save(crm, items.email())
    assert [notice.code for notice in saved.activity.notices] == ["saved_as_task"]


@pytest.mark.parametrize("enhanced", [True, False])
async def test_without_our_fields_it_looks_first_and_says_so(
    harness: SalesforceHarness, people: Cast, enhanced: bool
) -> None:
    salesforce.configure(harness.sandbox.world, key_installed=False, enhanced_email=enhanced)
    crm = harness.crm(people.caller.address)
    others = [items.email(message_id="<2@customer.example>"), items.meeting(uid="2", ical_uid="2")]
    for item in (items.email(), items.meeting()):
        other = next(one for one in others if one.kind == item.kind)
        saved = await save(crm, item, files=[items.file("large.bin", b"x" * 5_000_000)])
        again = await save(harness.crm(people.colleague.address), item)
        assert saved.created
        assert not again.created
        assert told(again.activity) == told(saved.activity)
        assert (await save(crm, other)).created
        account = harness.ref("account", harness.company.accounts[0].id)
        changed = await crm.edit(item.kind, saved.activity.id, Change(links=(account,)))
        assert [link.id for link in changed.links] == [account.id]
        assert [file.size for file in changed.files] == [5_000_000]
    remark = await crm.check()
    assert remark is not None
    assert "infra/salesforce" in remark


async def test_text_that_looks_like_a_reference_is_only_text(
    harness: SalesforceHarness, people: Cast
) -> None:
    text = "@{made.id} @{nothing.at.all} @{"
    crm = harness.crm(people.caller.address)
    sender = items.sender("a@{made.id}.example", text)
    for item in (
        items.email(sender, subject=text, body=text, html=False, message_id=f"<{text}@x>"),
        items.meeting(items.organizer("a@{made.id}.example"), uid=text, subject=text, body=text),
    ):
        files = [items.file(f"{text}.txt", b"abc", key=text)]
        saved = await save(crm, item, None, files, {"Note__c": text})
        assert saved.activity.subject == text.replace("@{", "@ {")
        assert saved.activity.categories["Note__c"] == text.replace("@{", "@ {")
        assert not (await save(crm, item)).created
        account = harness.ref("account", harness.company.accounts[0].id)
        await crm.edit(item.kind, saved.activity.id, Change(links=(account,)))


async def test_a_meeting_of_a_month_ends_after_fourteen_days(
    harness: SalesforceHarness, people: Cast
) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    for all_day in (False, True):
        meet = items.meeting(uid=f"{all_day}", start=start)
        meet = replace(meet, end=start + timedelta(days=30), all_day=all_day)
        saved = await save(harness.crm(people.caller.address), meet)
        assert [notice.code for notice in saved.activity.notices] == ["meeting_shortened"]


async def test_an_all_day_meeting_keeps_its_days(harness: SalesforceHarness, people: Cast) -> None:
    meet = replace(
        items.meeting(start=datetime(2026, 3, 23, 23, tzinfo=UTC)),
        end=datetime(2026, 3, 25, 23, tzinfo=UTC),
        all_day=True,
        time_zone="Europe/Berlin",
    )
    saved = await save(harness.crm(people.caller.address), meet)
    row = plain_client(harness, people.caller.address).Event.get(saved.activity.id)
    assert (row["ActivityDate"], row["EndDate"]) == ("2026-03-24", "2026-03-25")


async def test_what_is_cut_is_announced_beforehand(
    harness: SalesforceHarness, people: Cast
) -> None:
    crm = harness.crm(people.caller.address)
    for length, cut in ((131_000, False), (131_073, True)):
        mail = items.email(body=f"<p>{'x' * length}</p>", message_id=f"<{length}@x.example>")
        known = await crm.look_up(mail, None)
        assert known.body_cut is cut
        saved = await crm.save(mail, Filing(), known, [])
        assert bool(saved.activity.notices) is cut


@pytest.mark.parametrize(
    ("switches", "problem", "words"),
    [
        ({"storage_full": True}, Upstream, "storage"),
        ({"validation_rule": True}, InvalidRequest, "New_Topic__c"),
        ({"consumer_approved": False}, Forbidden, "administrator"),
        ({"inactive_users": ("anna.kowalska@contoso.example",)}, Forbidden, "username"),
    ],
)
async def test_an_organisation_that_refuses_is_understood(
    harness: SalesforceHarness,
    switches: dict[str, object],
    problem: type[ThreadlineError],
    words: str,
) -> None:
    salesforce.configure(harness.sandbox.world, **switches)
    with pytest.raises(problem, match=words):
        await save(harness.crm("anna.kowalska@contoso.example"), items.email())
    assert await harness.count("email") == 0


LOCKED = '[{"message": "unable to obtain exclusive access", "errorCode": "UNABLE_TO_LOCK_ROW"}]'


@pytest.mark.parametrize("status", [400, 500])
async def test_a_locked_record_is_waited_for(
    harness: SalesforceHarness, people: Cast, status: int
) -> None:
    crm = harness.crm(people.caller.address)
    known = await crm.look_up(items.email(), None)
    harness.sandbox.fault(
        service="salesforce", path="/composite", status=status, body=LOCKED, times=2
    )
    saved = await crm.save(items.email(), Filing(), known, [])
    assert saved.created
    harness.sandbox.fault(service="salesforce", path="/composite", status=status, body=LOCKED)
    with pytest.raises(Conflict):
        await save(crm, items.email(message_id="<2@x.example>"))


@pytest.mark.parametrize(
    ("message", "tries", "wait"),
    [
        ("TotalRequests Limit exceeded.", 1, 3600),
        ("ConcurrentPerOrgLongTxn Limit exceeded.", 4, 30),
    ],
)
async def test_used_up_calls_are_told(
    harness: SalesforceHarness, people: Cast, message: str, tries: int, wait: float
) -> None:
    crm = harness.crm(people.caller.address)
    await crm.check()
    body = f'[{{"message": "{message}", "errorCode": "REQUEST_LIMIT_EXCEEDED"}}]'
    harness.sandbox.fault(service="salesforce", path="/composite", status=403, body=body)
    before = len(harness.sandbox.requests("salesforce"))
    with pytest.raises(Throttled) as refused:
        await crm.find(items.email())
    assert refused.value.retry_after == wait
    assert len(harness.sandbox.requests("salesforce")) - before == tries


async def test_a_refused_token_is_replaced_once(harness: SalesforceHarness, people: Cast) -> None:
    crm = harness.crm(people.caller.address)
    await crm.check()
    body = '[{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]'
    harness.sandbox.fault(service="salesforce", path="/composite", status=401, body=body, times=1)
    assert await crm.find(items.email()) is None
    made = [call["path"] for call in harness.sandbox.requests("salesforce")]
    assert sum("oauth2/token" in path for path in made) == 2
    harness.sandbox.fault(service="salesforce", path="/composite", status=401, body=body)
    with pytest.raises(ThreadlineError) as refused:
        await crm.find(items.email())
    assert refused.value.code == "unauthenticated"


async def test_a_redirect_takes_no_token_elsewhere(
    harness: SalesforceHarness, people: Cast
) -> None:
    crm = harness.crm(people.caller.address)
    await crm.check()
    before = len(harness.sandbox.requests())
    harness.sandbox.fault(
        service="salesforce",
        path="/composite",
        status=302,
        headers={"Location": f"{harness.sandbox.url}/sandbox/users", "Set-Cookie": "sid=x"},
        times=1,
    )
    with pytest.raises(ThreadlineError):
        await crm.find(items.email())
    assert len(harness.sandbox.requests()) - before == 1
    assert not harness.organization.channel._session.cookies


async def test_without_a_user_only_the_address_is_checked(harness: SalesforceHarness) -> None:
    crm = harness.crm_of(None)
    assert await crm.check() is None
    salesforce.configure(harness.sandbox.world, consumer_approved=False)
    harness.organization.tokens._kept.clear()
    harness.organization.knowledge.forget("")
    with pytest.raises(Upstream):
        await harness.crm_of(None).check()
    with pytest.raises(Forbidden):
        await crm.find(items.email())


async def test_roles_that_salesforce_lacks_are_no_harm(
    harness: SalesforceHarness, people: Cast
) -> None:
    room = replace(items.organizer("room@elsewhere.example"), role=Role.RESOURCE)
    saved = await save(harness.crm(people.caller.address), items.meeting(room))
    assert saved.activity.unmatched == ("room@elsewhere.example",)


async def test_a_worker_gives_up_when_the_time_is_over(
    harness: SalesforceHarness, people: Cast
) -> None:
    await harness.crm(people.caller.address).check()
    harness.sandbox.fault(service="salesforce", path="/composite", delayMs=2000)
    crm = harness.crm_at(harness.organization, people.caller.address, patience=0.5)
    with pytest.raises(Unavailable):
        await crm.find(items.email())
