"""What a message and each record have in common by their words, as features.

Every feature is a share or a likeness between 0 and 1, or a plain yes (1) or no (0): nothing here
knows any word of any language.
"""

import re
from collections.abc import Mapping, Sequence

from shared.suggestions import Account, Record
from suggest_links.reading import Reading
from suggest_links.similarity import Comparison, terms

_DESCRIPTION = 300
_ENOUGH = 0.5
_PERIOD = re.compile(r"(?:q[1-4]|fy\d\d|20\d\d)")


class Wording:
    """A message's words, to hold records against."""

    def __init__(self, reading: Reading, accounts: Mapping[str, Account]) -> None:
        self._message = terms(f"{reading.subject}\n{reading.new}\n{reading.quoted}")
        self._said = frozenset(self._message)
        self._titles: dict[str, frozenset[str]] = {}
        self._companies = {
            key: frozenset(terms(account.ref.name)) for key, account in accounts.items()
        }

    def title_share(self, record: Record) -> float:
        """The share of its name's terms that the message has."""
        title = self._title(record)
        return len(title & self._said) / len(title) if title else 0.0

    def features(self, records: Sequence[Record]) -> list[dict[str, float]]:
        """For each record: `text`, the likeness of message and record, up to where more of it
        proves no more; `title`, the share of its name's terms that the message has; `described`,
        whether it has a description, so that its silence means something; `undescribed_unlike`,
        that it has only a name, and one without any likeness."""
        texts = [record.description[:_DESCRIPTION] for record in records]
        whole = [
            self._title(record).union(terms(text))
            for record, text in zip(records, texts, strict=True)
        ]
        likenesses = Comparison(self._message, whole).likenesses()
        return [
            {
                "text": min(likeness, _ENOUGH),
                "title": self.title_share(record),
                "described": float(bool(text)),
                "undescribed_unlike": float(not text and not likeness),
            }
            for record, text, likeness in zip(records, texts, likenesses, strict=True)
        ]

    def _title(self, record: Record) -> frozenset[str]:
        """The terms of a record's name, without the company's name and reporting periods, which
        many companies put into every name."""
        found = self._titles.get(record.ref.id)
        if found is None:
            company = self._companies.get(record.account_id or "")
            if company is None:
                company = frozenset(terms(record.company))
            own = set(terms(record.ref.name)) - company
            found = frozenset(t for t in own if not (t[-1].isdigit() and _PERIOD.fullmatch(t)))
            self._titles[record.ref.id] = found
        return found
