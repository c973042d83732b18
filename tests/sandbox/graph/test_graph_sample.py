"""The sample mailboxes: what is promised of them, and how fast they come back."""

from collections import Counter

from sandbox import graph
from sandbox.graph.samples import aliases, find
from tests.sandbox.graph.graph_world import ANNA, HENRY, Graph


async def _message(sample: Graph, alias: str, rest: str = "") -> dict:
    mailbox = find(alias)[0]["mailbox"]
    sample.speak_as_app("Mail.Read")
    id_ = graph.sample_id(sample.world, alias)
    return await sample.get(f"users/{mailbox}/messages/{id_}{rest}")


def test_there_are_enough_items_and_each_has_its_id(sample: Graph) -> None:
    kinds = Counter(find(alias)[0]["kind"] for alias in aliases())
    assert kinds["mail"] >= 40
    assert kinds["meeting"] >= 15
    ids = {graph.sample_id(sample.world, alias) for alias in aliases()}
    assert len(ids) == len(aliases())


async def test_every_sample_item_is_served_with_its_attachments(sample: Graph) -> None:
    sample.speak_as_app("Mail.Read", "Calendars.Read")
    for alias in aliases():
        entry, _ = find(alias)
        kind = "messages" if entry["kind"] == "mail" else "events"
        id_ = graph.sample_id(sample.world, alias)
        shown = await sample.get(
            f"users/{entry['mailbox']}/{kind}/{id_}?$expand=attachments($select=id,name,size)"
        )
        assert shown["id"] == id_


async def test_shapes_that_a_client_must_survive(sample: Graph) -> None:
    long = await _message(sample, "long-html")
    assert 1024**2 < len(long["body"]["content"].encode()) < 1.1 * 1024**2
    big = await _message(sample, "big-attachment", "?$expand=attachments($select=size)")
    assert big["attachments"][0]["size"] > 4 * 1024**2
    many = await _message(sample, "many-recipients")
    assert len(many["toRecipients"]) + len(many["ccRecipients"]) == 300
    bare = await _message(sample, "missing-headers")
    assert (bare["internetMessageId"], bare["toRecipients"]) == (None, [])
    hostile = await _message(sample, "hostile-subject")
    assert '"50% off"' in hostile["subject"]
    assert "\u202e" in hostile["subject"]
    assert "\x07" in hostile["subject"]
    assert "<script>" in (await _message(sample, "hostile-html"))["body"]["content"]
    empty = await _message(sample, "empty-attachment", "?$expand=attachments")
    assert empty["attachments"][0]["contentBytes"] == ""


async def test_texts_in_odd_charsets_are_readable(sample: Graph) -> None:
    for alias, subject, body in (
        ("terminal-koushin-ja", "ハンディターミナル更新の日程について", "青空物流"),
        ("mitsumori-ja", "医薬品倉庫の温度管理：見積のお願い", "港製薬"),
        ("oferta-windows-1250-pl", "Prośba o ofertę – przegląd drukarek", "Łączna"),
        ("panne-quai-fr", "Panne au quai n° 3 – urgent", "400 €"),
        ("zapros-koi8-r", "Запрос каталога", "Ирина"),
        ("unknown-charset-de", "Hofscanner im Regen", "49 €"),
    ):
        shown = await _message(sample, alias)
        assert shown["subject"] == subject
        assert body in shown["body"]["content"]


async def test_a_mail_in_two_mailboxes_is_one_message(sample: Graph) -> None:
    first = await _message(sample, "two-mailboxes")
    second = await _message(sample, "two-mailboxes@bernd")
    assert first["internetMessageId"] == second["internetMessageId"]
    assert first["id"] != second["id"]


async def test_a_thread_is_one_conversation(sample: Graph) -> None:
    thread = ("quote-request-en", "quote-reply-en", "quote-follow-up-en")
    found = [(await _message(sample, alias))["conversationId"] for alias in thread]
    assert len(set(found)) == 1


def test_ids_are_the_same_after_a_reset(sample: Graph) -> None:
    before = [graph.sample_id(sample.world, alias) for alias in aliases()]
    sample.mail(ANNA)
    with sample.world.store.transaction():
        sample.world.store.clear("graph")
        graph.seed(sample.world)
    assert [graph.sample_id(sample.world, alias) for alias in aliases()] == before


async def test_a_delegate_finds_the_samples_of_another_mailbox(sample: Graph) -> None:
    sample.speak_as("ines.carvalho@contoso.example")
    id_ = graph.sample_id(sample.world, "confidential-terms")
    shown = await sample.get(
        f"users/{HENRY}/messages/{id_}"
        "?$expand=singleValueExtendedProperties($filter=id eq 'Integer 0x36')"
    )
    assert shown["singleValueExtendedProperties"][0]["value"] == "3"
