"""The values of a checkbox in words, for which Salesforce has none. Pure."""

from collections.abc import Mapping
from typing import Final

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "cs": ("Ano", "Ne"),
    "da": ("Ja", "Nej"),
    "de": ("Ja", "Nein"),
    "en": ("Yes", "No"),
    "es": ("Sí", "No"),
    "fi": ("Kyllä", "Ei"),
    "fr": ("Oui", "Non"),
    "hu": ("Igen", "Nem"),
    "it": ("Sì", "No"),
    "ja": ("はい", "いいえ"),
    "ko": ("예", "아니요"),
    "nb": ("Ja", "Nei"),
    "nl": ("Ja", "Nee"),
    "no": ("Ja", "Nei"),
    "pl": ("Tak", "Nie"),
    "pt": ("Sim", "Não"),
    "ro": ("Da", "Nu"),
    "ru": ("Да", "Нет"),
    "sv": ("Ja", "Nej"),
    "tr": ("Evet", "Hayır"),
    "uk": ("Так", "Ні"),
    "zh": ("是", "否"),
}


def yes_no(language: str) -> tuple[str, str]:
    """In that language (a BCP 47 tag), else in English."""
    return _WORDS.get(language.partition("-")[0].casefold(), _WORDS["en"])
