"""Rights and hostile input, whatever the CRM."""

import pytest

from shared.domain import Change, Item, Participant, Role
from shared.errors import Forbidden, InvalidRequest, NotFound, Unauthenticated
from tests.contract import items
from tests.contract.harness import Harness
from tests.contract.people import Cast
from tests.contract.saving import save, told

HOSTILE = {
    "odata quotes": "O'Brien' or '1' eq '1') or startswith(name,'a",
    "percent and hash": "100 %27 # & ? $filter=x /../",
    "soql": "' OR Name LIKE '%' LIMIT 1 --",
    "nul": "a\x00b\x01c\x7f",
    "lone surrogates": "a\ud800b\udfffc",
    "right to left": "\u202egnp.exe \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "header injection": "a\r\nContent-Type: text/html\r\n\r\n--batch\r\nDELETE /x HTTP/1.1",
    "boundary": "--batch_0--\r\n--changeset_0--",
    "markup": "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>",
    "long": "x" * 5000,
    "emoji": "\U0001f469\u200d\U0001f469\u200d\U0001f467" * 400,
    "noncharacters": "a\ufffe\uffffb",
    "empty": "",
}


class Guarding:
    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
    @pytest.mark.parametrize("kind", ["email", "meeting"])
    async def test_hostile_text_is_saved_once_and_does_no_harm(
        self, harness: Harness, people: Cast, kind: str, text: str
    ) -> None:
        person = Participant(f"{text}@elsewhere.example", text, Role.SENDER)
        item: Item
        if kind == "email":
            item = items.email(
                person, message_id=f"<{text}@x.example>", subject=text, body=text, html=False
            )
        else:
            person = Participant(person.address, text, Role.ORGANIZER)
            item = items.meeting(person, uid=f"uid {text}", subject=text, body=text)
        crm = harness.crm(people.caller.address)
        files = [items.file(f"../../{text[:300]}.txt", b"abc", key=text)]
        saved = await save(crm, item, files=files)
        assert saved.created
        assert "\x00" not in saved.activity.subject
        again = await save(harness.crm(people.colleague.address), item, files=files)
        assert told(again.activity) == told(saved.activity)
        assert await crm.find(item) == told(saved.activity)
        assert await harness.count(item.kind) == 1
        account = harness.ref("account", harness.company.accounts[0].id)
        changed = await crm.edit(item.kind, saved.activity.id, Change(links=(account,)))
        assert [link.id for link in changed.links] == [account.id]
        await crm.delete(item.kind, changed.id)
        assert await harness.count(item.kind) == 0

    async def test_a_message_without_an_id_may_hold_anything(
        self, harness: Harness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        mail = items.email(items.sender("\ud800@x.example"), message_id=None, subject="\ud800\x00")
        saved = await save(crm, mail)
        assert saved.created
        assert await crm.find(mail) == told(saved.activity)

    async def test_a_long_body_is_cut_and_said_so(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.caller.address)
        limit = harness.traits.meeting_body_limit
        fits = await save(crm, items.meeting(uid="1", body="<p>short</p>"))
        assert fits.activity.notices == ()
        cut = await save(crm, items.meeting(uid="2", body=f"<p>{'x' * limit}</p>"))
        assert cut.created
        assert [notice.code for notice in cut.activity.notices] == ["body_truncated"]

    async def test_three_hundred_recipients_are_all_kept(
        self, harness: Harness, people: Cast
    ) -> None:
        crowd = [f"person{n}@elsewhere.example" for n in range(300)]
        mail = items.email(items.sender(people.contact.email), *items.to(*crowd))
        saved = await save(harness.crm(people.caller.address), mail)
        assert set(saved.activity.unmatched) == set(crowd)
        assert saved.activity.notices == ()

    async def test_ten_thousand_recipients_are_bounded(
        self, harness: Harness, people: Cast
    ) -> None:
        crowd = [f"person{n}@elsewhere.example" for n in range(10_000)]
        mail = items.email(items.sender(people.contact.email), *items.to(*crowd))
        saved = await save(harness.crm(people.caller.address), mail)
        assert [notice.code for notice in saved.activity.notices] == ["recipients_truncated"]
        assert [c.id for c in saved.activity.contacts] == [
            harness.ref("contact", people.contact.id).id
        ]
        assert 300 < len(saved.activity.unmatched) <= 1000
        assert set(saved.activity.unmatched) == set(crowd[: len(saved.activity.unmatched)])

    async def test_who_may_not_write_saves_nothing(self, harness: Harness, people: Cast) -> None:
        with pytest.raises(Forbidden):
            await save(harness.crm(people.reader.address), items.email())
        assert await harness.count("email") == 0

    async def test_who_has_no_licence_gets_nothing(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.unlicensed.address)
        with pytest.raises((Forbidden, Unauthenticated)):
            await crm.look_up(items.email(), None)
        with pytest.raises((Forbidden, Unauthenticated)):
            await crm.check()

    async def test_who_may_come_in_passes_the_check(self, harness: Harness, people: Cast) -> None:
        await harness.crm(people.reader.address).check()

    async def test_a_link_that_the_user_cannot_see_is_refused(
        self, harness: Harness, people: Cast
    ) -> None:
        crm = harness.crm(people.limited.address)
        with pytest.raises((NotFound, Forbidden)):
            await crm.look_up(items.email(), harness.ref("contact", people.hidden.id))

    async def test_a_contact_that_the_user_cannot_see_stays_an_address(
        self, harness: Harness, people: Cast
    ) -> None:
        mail = items.email(items.sender(people.hidden.email))
        saved = await save(harness.crm(people.limited.address), mail)
        assert saved.activity.contacts == ()
        assert saved.activity.unmatched == (people.hidden.email,)

    async def test_a_record_that_the_user_cannot_see_is_not_doubled(
        self, harness: Harness, people: Cast
    ) -> None:
        mail = items.email(items.sender(people.contact.email))
        await save(harness.crm(people.caller.address), mail)
        with pytest.raises(Forbidden):
            await save(harness.crm(people.limited.address), mail)
        assert await harness.count("email") == 1

    async def test_who_may_not_write_edits_and_deletes_nothing(
        self, harness: Harness, people: Cast
    ) -> None:
        mail = items.email(items.sender(people.contact.email))
        saved = (await save(harness.crm(people.caller.address), mail)).activity
        reader = harness.crm(people.reader.address)
        with pytest.raises(Forbidden):
            await reader.edit("email", saved.id, Change(contacts=()))
        with pytest.raises(Forbidden):
            await reader.delete("email", saved.id)
        assert await reader.find(mail) == told(saved)

    async def test_errors_hold_no_address_and_no_body(self, harness: Harness, people: Cast) -> None:
        secret = "s3cr3t-body"
        mail = items.email(items.sender(people.contact.email), subject=secret, body=secret)
        with pytest.raises((Forbidden, InvalidRequest)) as refused:
            await save(harness.crm(people.reader.address), mail)
        assert secret not in str(refused.value)
        assert people.contact.email not in str(refused.value)
