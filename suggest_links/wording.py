"""What a message and each record have in common by their words, as features.

Every feature is a share or a likeness between 0 and 1, or a plain yes (1) or no (0): nothing here
knows any word of any language.
"""

import re
from collections.abc import Mapping, Sequence

from shared.suggestions import Account, Record
from suggest_links.reading import Reading
from suggest_links.similarity import Comparison, is_unspaced, terms

_DESCRIPTION = 300
_SOME = 0.15
_PERIOD = re.compile(r"(?:q[1-4]|fy\d\d|20\d\d)")


def wordings(
    reading: Reading, records: Sequence[Record], accounts: Mapping[str, Account]
) -> list[dict[str, float]]:
    """For each record: `text`, the likeness of message and record; `text_some`, the same, but no
    more than some; `title`, the share of its name's terms that the message has; `described`,
    whether it has a description; `described_unlike` and `undescribed_unlike`, that there is no
    likeness at all; `other_script`, that they can't be compared by their words."""
    companies = {key: frozenset(terms(account.ref.name)) for key, account in accounts.items()}
    titles = [_title(record, companies) for record in records]
    texts = [record.description[:_DESCRIPTION] for record in records]
    whole = [title.union(terms(text)) for title, text in zip(titles, texts, strict=True)]
    message = terms(f"{reading.subject}\n{reading.new}\n{reading.quoted}")
    said = frozenset(message)
    unspaced = is_unspaced(reading.new)
    return [
        {
            "text": likeness,
            "text_some": min(likeness, _SOME),
            "title": len(title & said) / len(title) if title else 0.0,
            "described": float(bool(text)),
            "described_unlike": float(bool(text) and not likeness),
            "undescribed_unlike": float(not text and not likeness),
            "other_script": float(unspaced != is_unspaced(record.ref.name + text)),
        }
        for record, title, text, likeness in zip(
            records, titles, texts, Comparison(message, whole).likeness(message), strict=True
        )
    ]


def _title(record: Record, companies: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The terms of a record's name, without the company's name and reporting periods, which many
    companies put into every name."""
    company = companies.get(record.account_id or "") or frozenset(terms(record.company))
    own = frozenset(terms(record.ref.name)) - company
    return frozenset(term for term in own if not _PERIOD.fullmatch(term))
