"""What the pane is told about an item, over a mailbox and a CRM in memory."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sandbox.company import Account, Contact
from shared.domain import Filing, Item, RecordRef
from shared.errors import Forbidden, InvalidRequest, NotFound, Unavailable
from shared.policy import CategoryField, Condition, Exclusions, Policy, RecordType, ViewFilter
from suggest_links import searching, suggesting
from suggest_links.suggesting import MOST_RELATED, Suggested
from tests.contract import items
from tests.fakes.crm import CrmWorld, FakeCrm
from tests.fakes.mailbox import FakeMailbox, MailboxWorld

NOW = datetime(2026, 2, 16, 8, tzinfo=UTC)


class Office:
    def __init__(self) -> None:
        self.crm_world = CrmWorld()
        self.company = self.crm_world.company
        people = [e for e in self.company.employees if e.crm_user]
        self.me = next(e.address for e in people if e.crm_read == "all" and e.crm_write)
        self.limited = next(e.address for e in people if e.crm_read == "own")
        self.mailboxes = MailboxWorld()
        self.policy = Policy()

    def customer(self, name: str) -> tuple[Account, Contact]:
        account = next(a for a in self.company.accounts if a.name.startswith(name))
        return account, next(c for c in self.company.contacts if c.account == account.id)

    async def suggest(
        self, item: Item, who: str = "", *, own: tuple[str, ...] = (), **policy: object
    ) -> Suggested:
        item = replace(item, ref=replace(item.ref, id="A1"))
        address = who or self.me
        ref = self.mailboxes.put(address, item)
        return await suggesting.suggest(
            ref,
            crm=FakeCrm(self.crm_world, address),
            mailbox=FakeMailbox(self.mailboxes, address),
            policy=self.policy.model_copy(update=policy),
            own_addresses=own or (address, "me"),
            now=NOW,
        )


@pytest.fixture
def office() -> Office:
    return Office()


async def test_one_answer_feeds_the_whole_pane(office: Office) -> None:
    account, contact = office.customer("Harbourline Logistics")
    item = items.email(
        items.sender(contact.email.upper()),
        *items.to(office.me, "Someone@Elsewhere.example", account.email),
        subject="Handheld scanners: racks",
        body="<p>How many charging racks come with the rugged handhelds?</p>",
    )
    found = await office.suggest(item)
    assert found.suggestions[0].record.name == "Handheld scanners for the Felixstowe hub"
    assert all(one.reasons for one in found.suggestions)
    assert list(found.related) == [one.type for one in office.policy.record_types]
    assert [ref.name for ref in found.related["account"]] == [account.name]
    assert found.related["opportunity"][0] == found.suggestions[0].record
    assert found.related["lead"] == ()
    assert [(one.id, one.email) for one in found.contacts] == [(contact.id, contact.email.upper())]
    assert found.unmatched == ("Someone@Elsewhere.example",)


async def test_nobody_known_brings_nothing_but_their_addresses(office: Office) -> None:
    found = await office.suggest(items.email(items.sender("new@nowhere.example")))
    assert found.suggestions == ()
    assert found.contacts == ()
    assert not any(found.related.values())
    assert found.unmatched == ("new@nowhere.example",)


async def test_what_the_admin_did_not_enable_is_not_suggested(office: Office) -> None:
    _, contact = office.customer("Harbourline Logistics")
    item = items.email(items.sender(contact.email), subject="Something else entirely")
    types = (RecordType(type="case"), RecordType(type="contact"))
    found = await office.suggest(item, record_types=types)
    assert {one.record.type for one in found.suggestions} <= {"case", "contact"}
    assert list(found.related) == ["case", "contact"]


async def test_a_saved_conversation_leads_back_to_its_record(office: Office) -> None:
    """Even to one that is closed and says nothing of the kind."""
    _, contact = office.customer("Harbourline Logistics")
    deal = next(o for o in office.company.opportunities if o.state == "lost")
    first = items.email(items.sender(contact.email), message_id="<first@customer.example>")
    crm = FakeCrm(office.crm_world, office.me)
    link = RecordRef("opportunity", deal.id)
    known = await crm.look_up(first, link)
    await crm.save(first, Filing(known.link), known, ())
    answer = replace(
        items.email(items.sender(contact.email), message_id="<second@customer.example>"),
        in_reply_to="<first@customer.example>",
    )
    found = await office.suggest(answer)
    assert found.suggestions[0].record.id == deal.id
    assert "same_conversation" in [reason.code for reason in found.suggestions[0].reasons]


async def test_who_sees_only_own_records_gets_no_suggestions_of_others(office: Office) -> None:
    account = next(a for a in office.company.accounts if a.owner != office.limited)
    contact = next(c for c in office.company.contacts if c.account == account.id)
    item = items.email(items.sender(contact.email), subject=account.name)
    assert (await office.suggest(item)).suggestions
    found = await office.suggest(item, office.limited)
    assert found.suggestions == ()
    assert found.contacts == ()
    assert not any(found.related.values())


async def test_colleagues_tell_our_domains_where_the_caller_s_name_does_not(
    office: Office,
) -> None:
    """A sign-in name is no address everywhere; a forward between colleagues is about the people
    inside it all the same."""
    _, contact = office.customer("Harbourline Logistics")
    colleague = next(e for e in office.company.employees if e.crm_user and e.address != office.me)
    item = items.email(
        items.sender(colleague.address),
        *items.to(office.me),
        subject="FW: Handheld scanners",
        body=f"<p>For you.</p><p>From: A Person &lt;{contact.email}&gt;<br>Sent: Monday<br>To: x"
        "<br>Subject: Handheld scanners</p><p>When do the handhelds arrive?</p>",
    )
    found = await office.suggest(item, own=("me@tenant.onmicrosoft.example",))
    assert [ref.id for ref in found.related["contact"]] == [contact.id]
    assert found.suggestions
    assert found.unmatched == ()
    assert office.crm_world.calls.count("candidates") == 2


async def test_an_excluded_item_is_told_so_and_the_crm_not_asked(office: Office) -> None:
    item = items.email(items.sender("partner@lawyers.example"))
    with pytest.raises(InvalidRequest) as refused:
        await office.suggest(item, exclusions=Exclusions(domains=("lawyers.example",)))
    assert refused.value.code == "excluded"
    assert office.crm_world.calls == []


async def test_ten_thousand_recipients_and_a_megabyte_are_read(office: Office) -> None:
    _, contact = office.customer("Harbourline Logistics")
    crowd = tuple(f"guest{n}@crowd{n % 500}.example" for n in range(10_000))
    item = items.email(
        items.sender(contact.email), *items.to(*crowd), body="<p>" + "<b>x</b>&amp; " * 90_000
    )
    found = await office.suggest(item)
    assert [one.id for one in found.contacts] == [contact.id]
    assert 0 < len(found.unmatched) < 100


@pytest.mark.parametrize(
    "text",
    ["' or 1 eq 1 --", "%_[a-z]*", "\x00\x07\ud800", "((((", "&$filter=x", "{crmhit}", "<script>"],
)
async def test_hostile_subjects_and_names_break_nothing(office: Office, text: str) -> None:
    person = items.sender("o'brien%_[]@nowhere.example", text)
    found = await office.suggest(items.email(person, subject=text, body=text, html=False))
    assert found.suggestions == ()
    assert found.unmatched == ("o'brien%_[]@nowhere.example",)


async def test_what_fails_is_told(office: Office) -> None:
    office.crm_world.failures["candidates"] = Unavailable("The CRM did not answer.")
    with pytest.raises(Unavailable):
        await office.suggest(items.email())
    office.mailboxes.failure = NotFound("No such item.", code="item_not_found")
    with pytest.raises(NotFound):
        await office.suggest(items.email())


async def test_no_type_brings_more_than_people_read(office: Office) -> None:
    people = [c.email for c in office.company.contacts]
    found = await office.suggest(items.email(items.sender(people[0]), *items.to(*people[1:59])))
    assert max(map(len, found.related.values())) == MOST_RELATED


def _policy() -> Policy:
    is_open = ViewFilter(name="Open", conditions=(Condition(field="state", value="open"),))
    return Policy(
        record_types=(
            RecordType(type="opportunity", key_fields=("account",), filters=(is_open,)),
            RecordType(type="account"),
        ),
        email_categories=(CategoryField(name="who", type="lookup", lookup_type="contact"),),
    )


async def find(office: Office, text: str, *types: str, view: str = "") -> list[str]:
    found = await searching.search(
        text,
        types,
        10,
        view=view,
        language="en",
        crm=FakeCrm(office.crm_world, office.me),
        policy=_policy(),
    )
    return [f"{one.record.type} {one.record.name}" for one in found]


async def test_all_enabled_types_are_searched_where_none_is_named(office: Office) -> None:
    found = await find(office, "harbourline ireland")
    assert "account Harbourline Ireland Ltd" in found
    assert "opportunity Dublin depot yard cameras" in found
    assert {one.split()[0] for one in found} == {"opportunity", "account"}
    assert await find(office, "harbourline ireland", "account", "account") == [
        "account Harbourline Ireland Ltd"
    ]


async def test_a_filter_leaves_out_records_and_the_types_without_it(office: Office) -> None:
    found = await find(office, "harbourline ireland", view="open")
    assert found == ["opportunity Dublin depot yard cameras"]
    with pytest.raises(InvalidRequest) as refused:
        await find(office, "harbourline", "account", view="open")
    assert refused.value.errors[0].field == "filter"


async def test_what_a_lookup_category_takes_can_be_searched_and_nothing_else(
    office: Office,
) -> None:
    assert await find(office, "margaret ellison", "contact") == ["contact Margaret Ellison"]
    with pytest.raises(InvalidRequest) as refused:
        await find(office, "x", "lead")
    assert refused.value.code == "type_not_connectable"


async def test_who_may_not_search_is_told(office: Office) -> None:
    office.crm_world.failures["search"] = Forbidden("No.")
    with pytest.raises(Forbidden):
        await find(office, "x")
