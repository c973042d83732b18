"""What is new in a message, what it quotes, and who is inside a forward."""

import pytest

from shared.domain import Body
from shared.domains import is_at
from shared.mail_domains import is_free, lineage
from shared.markup import to_text
from shared.quoting import plain
from suggest_links.clues import find_clues, full_name, names_inside
from suggest_links.reading import bare_subject, read
from tests.suggest_links.ranking_world import LIFT, OURS, SNOW, codes, first, known, mail, suggest

QUOTED = {
    "en": "On Mon, 2 Mar 2026 at 09:12, Sam Seller <sam@fabrikam.example> wrote:",
    "de": "Am 02.03.2026 um 09:12 schrieb Sam Seller <sam@fabrikam.example>:",
    "fr": "Le lun. 2 mars 2026 à 09:12, Sam Seller <sam@fabrikam.example> a écrit :",
    "es": "El lun, 2 mar 2026 a las 09:12, Sam Seller (<sam@fabrikam.example>) escribió:",
    "pt": "Em seg., 2 de mar. de 2026 às 09:12, Sam Seller <sam@fabrikam.example> escreveu:",
    "it": "Il giorno lun 2 mar 2026 alle ore 09:12 Sam Seller <sam@fabrikam.example> ha scritto:",
    "pl": "pon., 2 mar 2026 o 09:12 Sam Seller <sam@fabrikam.example> napisał(a):",
    "cs": "po 2. 3. 2026 v 9:12 odesílatel Sam Seller <sam@fabrikam.example> napsal:",
    "ja": "2026年3月2日(月) 9:12 Sam Seller <sam@fabrikam.example>:",
}

HEADERS = {
    "en": ("From", "Sent", "To", "Subject"),
    "de": ("Von", "Gesendet", "An", "Betreff"),
    "fr": ("De", "Envoyé", "À", "Objet"),
    "es": ("De", "Enviado el", "Para", "Asunto"),
    "pt": ("De", "Enviado", "Para", "Assunto"),
    "pl": ("Od", "Wysłano", "Do", "Temat"),
    "cs": ("Od", "Odesláno", "Komu", "Předmět"),
    "ja": ("差出人", "送信日時", "宛先", "件名"),
}


def forwarded(labels: tuple[str, ...], subject: str = "Pumps") -> str:
    sender, sent, to, topic = labels
    return (
        f"{sender}: Marta Keller <marta@alpine.example>\n{sent}: 2026-03-02 09:12\n"
        f"{to}: Sam Seller <sam@fabrikam.example>\n{topic}: {subject}\n\n"
        "Where are the pumps for the snow cannons?\n"
    )


@pytest.mark.parametrize("language", sorted(QUOTED))
def test_what_is_quoted_is_not_new(language: str) -> None:
    body = f"The new text.\n\n{QUOTED[language]}\n> The chairlift drive.\n> Another line.\n"
    reading = read(mail("Re: Topic", body))
    assert reading.new == "The new text."
    assert "chairlift" in reading.quoted
    assert reading.subject == "Topic"


@pytest.mark.parametrize("language", sorted(HEADERS))
def test_the_thread_below_an_answer_is_not_new(language: str) -> None:
    reading = read(mail("Re: Topic", "The new text.\n\n" + forwarded(HEADERS[language])))
    assert reading.new == "The new text."
    assert "snow cannons" in reading.quoted


@pytest.mark.parametrize("language", sorted(HEADERS))
def test_a_forward_to_a_colleague_is_opened(language: str) -> None:
    item = mail(
        "FW: Pumps", forwarded(HEADERS[language]), sender="Sam Seller <sam@fabrikam.example>"
    )
    reading = read(item)
    clues = find_clues(item, reading, OURS)
    assert reading.new == "Where are the pumps for the snow cannons?"
    assert clues.outsiders == ("marta@alpine.example",)
    assert clues.domains == ("alpine.example",)
    found = suggest(item, known(LIFT, SNOW))
    assert found[0].record.id == "snow"
    assert "known_contact" in codes(found, "snow")


def test_a_forward_without_headers_is_known_by_the_names_in_it() -> None:
    body = "Dear Sam,\n\nwhere are the pumps for the snow cannons?\n\nRegards\nMarta Keller\n"
    item = mail("Fwd: Pumps", body, sender="Sam Seller <sam@fabrikam.example>")
    assert "Marta Keller" in find_clues(item, read(item), OURS).names
    assert first(item, known(LIFT, SNOW)) == "snow"


def test_addresses_in_the_text_mean_nothing_when_someone_from_outside_takes_part() -> None:
    item = mail("Hi", "Ask Otto <otto@other.example>.")
    assert find_clues(item, read(item), OURS).outsiders == ("marta@alpine.example",)


def test_signatures_say_nothing() -> None:
    reading = read(mail("Hi", "The new text.\n\nBest regards,\nMarta Keller\nAlpine Ski House"))
    assert reading.new == "The new text."


def test_lists_are_no_signatures() -> None:
    reading = read(mail("Hi", "We need:\n- pumps\n- hoses\nWhen can you deliver?"))
    assert "hoses" in reading.new
    assert "deliver" in reading.new


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("RE: FW: AW: Pumps", "Pumps"),
        ("Antw: Pumps", "Pumps"),
        ("WG: Re[2]: Pumps", "Pumps"),
        ("返信：ポンプ", "ポンプ"),
        ("Report: Pumps", "Report: Pumps"),
        ("", ""),
    ],
)
def test_subjects_lose_their_prefixes(subject: str, bare: str) -> None:
    assert bare_subject(subject) == bare


def test_markup_becomes_text() -> None:
    page = (
        "<html><head><title>x</title><style>p {color: red}</style></head><body><!-- <p>no</p> -->"
        "<p>One &amp; two</p><div>three<br>four</div><blockquote>five</blockquote></body></html>"
    )
    lines = [line for line in to_text(page).split("\n") if line]
    assert lines == ["One & two", "three", "four", ">five"]
    assert "red" not in plain(Body(page, html=True))


def test_html_answers_are_cut_too() -> None:
    page = (
        "<div>The new text.</div><div>On Mon, 2 Mar 2026 at 09:12, Sam &lt;sam@fabrikam.example&gt;"
        " wrote:</div><blockquote><p>The chairlift drive.</p></blockquote>"
    )
    reading = read(mail("Re: Topic", page, html=True))
    assert reading.new == "The new text."
    assert "chairlift" in reading.quoted


@pytest.mark.parametrize(
    "piece",
    [
        "a", "\n", "> ", ">\n", "On ", "On x\n", "From: a\n", "Am x schrieb ", "Den x skrev ",
        "Le a écrit ", "Warning: a mail ", "--\n", "-", "<", "<div>", "<blockquote>x", "<!--",
        "<style>", "<a b='", "&amp;", "a@", "a@b.", "2026年3月2日(月) 10:00 x <y>:", "Re: ", "漢",
        "x@y.example ", "( ", "\u0301", "\x00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("html", [False, True])
def test_a_body_made_to_wear_out_parsers_is_read_to_its_end(piece: str, html: bool) -> None:
    size = 1 << 20
    item = mail(
        piece * 300, piece * (size // len(piece)), sender="S <s@fabrikam.example>", html=html
    )
    suggestions = suggest(item, known(LIFT, SNOW))
    assert all(0 <= suggestion.score <= 1 for suggestion in suggestions)


def test_names_inside_are_full_names() -> None:
    found = names_inside("Dear Marta Keller,\n\nthe text goes on here\n\nYours\nOtto Lang")
    assert {"Marta Keller", "Otto Lang"} <= set(found)
    assert not names_inside("hello\nall is well\nbye")


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ("Keller, Marta", "Marta Keller"),
        ("Marta  Keller", "Marta Keller"),
        ("marta@alpine.example", ""),
        ("Marta", ""),
        ("高田", "高田"),
        ("", ""),
    ],
)
def test_display_names_become_full_names(shown: str, name: str) -> None:
    assert full_name(shown) == name


def test_domains() -> None:
    assert lineage("mail.research.alpine.co.uk") == (
        "mail.research.alpine.co.uk",
        "research.alpine.co.uk",
        "alpine.co.uk",
    )
    assert lineage("co.uk") == ()
    assert is_at("mail.alpine.example", "alpine.example")
    assert not is_at("badalpine.example", "alpine.example")
    assert is_free("gmail.com")
    assert is_free("docomo.ne.jp")
    assert not is_free("alpine.example")
