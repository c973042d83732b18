"""Of a followed thread, what machines send, and what lies in Junk Email, is left to a person."""

from tests.graph_notifications.office import Office, followed


async def test_an_automatic_reply_is_not_saved_by_itself_but_by_a_click(office: Office) -> None:
    asked = await followed(office)
    away = office.mail(office.customer, office.me.address, answers=asked, automatic=True)
    office.crm.calls.clear()
    assert await office.happens(away) == "automatic"
    assert office.crm.calls == []
    assert (await office.follow(away)).subject == away.subject


async def test_junk_is_saved_once_somebody_takes_it_out(office: Office) -> None:
    asked = await followed(office)
    forged = office.mail(office.customer, office.me.address, answers=asked, suspected=True)
    office.mailboxes.move(office.me.address, forged.ref.id, "junkemail")
    assert await office.happens(forged) == "junk"
    assert office.record(forged) is None
    office.mailboxes.move(office.me.address, forged.ref.id, "inbox")
    assert await office.happens(forged) == "saved"


async def test_only_what_is_suspected_costs_a_look_at_its_folder(office: Office) -> None:
    asked = await followed(office)
    answer = office.mail(office.customer, office.me.address, answers=asked)
    office.mailboxes.calls.clear()
    assert await office.happens(answer) == "saved"
    assert office.mailboxes.calls == ["fetch"]
