"""What goes before what."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain import RecordRef
from shared.suggestions import REASONS, Account, Candidates, Contact, Filed, Record
from tests.suggest_links.ranking_world import (
    ALPINE,
    BILL,
    HOLDING,
    LIFT,
    MARTA,
    NOW,
    OTTO,
    SNOW,
    codes,
    deal,
    first,
    known,
    mail,
    suggest,
    ticket,
)

PUMPS = "When will the pumps for the snow cannons arrive at the northern slope?"


def filed(
    record: Record, conversation: bool, days: int = 1, who: str = "marta@alpine.example"
) -> Filed:
    return Filed(record.ref, NOW - timedelta(days=days), conversation, (who,))


def test_the_record_the_message_speaks_of_comes_first() -> None:
    item = mail("Delivery of the pumps", PUMPS)
    found = suggest(item, known(LIFT, SNOW, BILL))
    assert found[0].record.id == "snow"
    assert "similar_text" in codes(found, "snow")


def test_the_conversation_goes_before_the_words() -> None:
    found = suggest(mail("Delivery", PUMPS), known(LIFT, SNOW, filed=[filed(LIFT, True)]))
    assert found[0].record.id == "lift"
    assert codes(found, "lift")[0] == "same_conversation"
    assert found[0].score > 0.8


def test_a_conversation_that_moved_follows_its_latest_message() -> None:
    history = [filed(LIFT, True, days=5), filed(SNOW, True, days=1)]
    assert first(mail("Thanks", "Thanks a lot."), known(LIFT, SNOW, filed=history)) == "snow"


def test_the_record_of_the_conversation_is_suggested_even_when_closed() -> None:
    closed = replace(LIFT, open=False)
    assert first(mail("Re: Chairlift"), known(closed, SNOW, filed=[filed(closed, True)])) == "lift"


def test_a_quoted_ticket_number_decides() -> None:
    found = suggest(mail("About [cas-01877]", PUMPS), known(LIFT, SNOW, BILL))
    assert found[0].record.id == "bill"
    assert "reference_number" in codes(found, "bill")


def test_a_number_inside_another_word_is_no_ticket_number() -> None:
    short = ticket("short", "Anything else", "4711")
    found = suggest(mail("", "Serial number X4711B, see the pumps."), known(short, SNOW))
    assert "reference_number" not in codes(found, "short")


def test_what_was_chosen_before_settles_a_message_without_a_topic() -> None:
    history = [filed(SNOW, False, days) for days in (3, 4, 9)]
    found = suggest(mail("Hello", "Can we talk?"), known(LIFT, SNOW, filed=history))
    deals = [one.record.id for one in found if one.record.type == "opportunity"]
    assert deals[0] == "snow"
    assert "chosen_before" in codes(found, "snow")


def test_what_others_chose_for_other_people_does_not_count() -> None:
    history = [filed(SNOW, False, days, who="someone@else.example") for days in (3, 4, 9)]
    found = suggest(mail("Hello", "Can we talk?"), known(LIFT, SNOW, filed=history))
    assert "chosen_before" not in codes(found, "snow")


def test_the_contact_of_a_record_settles_a_message_without_a_topic() -> None:
    theirs = deal("theirs", "First thing", contact_id="marta")
    others = deal("others", "Other thing", contact_id="otto")
    found = suggest(mail("Hello", "Hi"), known(others, theirs, contacts=(MARTA, OTTO)))
    deals = [one.record.id for one in found if one.record.type == "opportunity"]
    assert deals[0] == "theirs"
    assert "contact_on_record" in codes(found, "theirs")


def test_closed_records_are_no_suggestion() -> None:
    found = suggest(mail("Delivery", PUMPS), known(LIFT, replace(SNOW, open=False)))
    assert "snow" not in [one.record.id for one in found]


def test_without_an_open_record_the_account_is_suggested() -> None:
    found = suggest(mail("Delivery", PUMPS), known(replace(SNOW, open=False)))
    assert [one.record.id for one in found] == ["alpine"]
    assert codes(found, "alpine") == ["known_contact", "no_matching_record"]


def test_the_account_goes_first_when_the_open_records_are_about_other_matters() -> None:
    item = mail("Visit of the trade fair", "Shall we meet at your booth on Thursday for coffee?")
    assert first(item, known(LIFT, SNOW, BILL)) == "alpine"


def test_the_company_rather_than_its_parent() -> None:
    child = replace(ALPINE, parent_id="holding")
    item = mail("Visit of the trade fair", "Shall we meet at your booth on Thursday?")
    found = suggest(item, known(accounts=(child, HOLDING)))
    assert found[0].record.id == "alpine"
    assert "parent_company" in codes(found, "holding") or len(found) == 1


def test_records_of_the_parent_company_are_found() -> None:
    child = replace(ALPINE, parent_id="holding")
    group = replace(SNOW, account_id="holding")
    found = suggest(mail("Delivery", PUMPS), known(group, accounts=(child, HOLDING)))
    assert found[0].record.id == "snow"
    assert "parent_company" in codes(found, "snow")


def test_nothing_when_nobody_is_known() -> None:
    item = mail("Offer", "Buy our screws.", sender="Ron <ron@screws.example>")
    assert suggest(item, Candidates()) == ()


def test_an_unrelated_account_is_never_suggested() -> None:
    item = mail("Offer", "Buy our screws.", sender="Ron <ron@screws.example>")
    assert suggest(item, Candidates(accounts=(ALPINE,))) == ()


def test_a_new_person_of_a_known_company() -> None:
    item = mail("Delivery", PUMPS, sender="Nina New <nina@research.alpine.example>")
    found = suggest(item, known(LIFT, SNOW, contacts=()))
    assert found[0].record.id == "snow"
    assert "company_domain" in codes(found, "snow")


def test_free_mail_never_ties_to_a_company() -> None:
    provider = Account(RecordRef("account", "provider", "Gmail"), ("gmail.com",))
    item = mail("Delivery", PUMPS, sender="Nina New <nina.new@gmail.com>")
    assert suggest(item, Candidates(accounts=(provider,))) == ()


def test_a_known_person_writing_from_free_mail_is_recognised_by_name() -> None:
    item = mail("Delivery", PUMPS, sender="Marta Keller <marta.k@gmail.com>")
    found = suggest(item, known(LIFT, SNOW))
    assert found[0].record.id == "snow"
    assert "name_match" in codes(found, "snow")


def test_a_contact_without_an_account_stands_for_itself() -> None:
    alone = Contact(MARTA.ref, MARTA.addresses)
    found = suggest(mail("Hello", "Hi"), Candidates(contacts=(alone,)))
    assert [one.record.id for one in found] == ["marta"]


def test_a_lead_is_suggested_to_its_own_address() -> None:
    lead = Record(
        ref=RecordRef("lead", "lead", "Wants a quote for goggles"),
        addresses=("lee@goggles.example",),
        person="Lee Goss",
        company="Goggles",
        modified_at=NOW,
    )
    item = mail("Quote for goggles", "How much?", sender="Lee Goss <lee@goggles.example>")
    assert first(item, Candidates(records=(lead,))) == "lead"


IN_EVERY_LANGUAGE = """
Lieferung der Pumpen | Wann kommen die Schneekanonen? | Pumpen für Schneekanonen | Sesselbahn
Livraison | Quand arrivent les pompes ? | Pompes pour canons à neige | Commande du télésiège
Entrega | ¿Cuándo llegan los cañones? | Bombas para cañones de nieve | Control del telesilla
Entrega | Quando chegam os canhões? | Bombas para canhões de neve | Controlo do teleférico
Dostawa | Kiedy przyjadą armatki śnieżne? | Pompy do armatek śnieżnych | Sterowanie wyciągiem
Dodávka | Kdy dorazí sněžná děla? | Čerpadla ke sněžným dělům | Řízení lanovky
納期について | 降雪機のポンプはいつ届きますか。 | 降雪機ポンプの注文 | リフト制御の更新
交货 | 造雪机的水泵什么时候到？ | 造雪机水泵订单 | 缆车控制升级
Поставка | Когда прибудут насосы для пушек? | Насосы для снежных пушек | Управление подъёмником
"""


@pytest.mark.parametrize("line", IN_EVERY_LANGUAGE.strip().split("\n"))
def test_the_words_decide_in_every_language(line: str) -> None:
    subject, body, one, other = line.split(" | ")
    candidates = known(deal("one", one), deal("other", other))
    found = suggest(mail(subject, body), candidates)
    assert next(s.record.id for s in found if s.record.type == "opportunity") == "one"


def test_diacritics_and_case_make_no_difference() -> None:
    candidates = known(deal("one", "MÜNCHNER BÜRO"), deal("other", "Wiener Filiale"))
    assert first(mail("munchner buro"), candidates) == "one"


def test_every_reason_has_its_words() -> None:
    history = [filed(LIFT, True), filed(SNOW, False)]
    found = suggest(mail("CAS-01877 pumps", PUMPS), known(LIFT, SNOW, BILL, filed=history))
    for one in found:
        assert one.reasons
        assert all(reason.text == REASONS[reason.code] for reason in one.reasons)
