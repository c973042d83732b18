"""What the tests of a Mailbox need from whoever holds the mailboxes."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from shared.domain import ItemRef
from shared.ports import Mailbox
from tests.contract.mailbox_items import Appointment, Mail

ANNA = "anna.kowalska@contoso.example"
BERND = "bernd.schaefer@contoso.example"
SALES = "sales@contoso.example"
"""A shared mailbox that Anna may open, and Bernd may not."""


class MailboxHarness(Protocol):
    """The sample company's mailboxes. References are as the owner names them."""

    def mailbox(self, address: str) -> Mailbox:
        """Outlook as the employee with that address sees it."""
        ...

    def deliver(self, address: str, mail: Mail, folder: str = "inbox") -> ItemRef:
        """Puts a message into that mailbox; one in `drafts` is a draft."""
        ...

    def move(self, address: str, ref: ItemRef, folder: str) -> ItemRef:
        """To another folder, by its well-known name."""
        ...

    def remove(self, address: str, ref: ItemRef) -> None:
        """A message or a meeting, for good. An occurrence leaves its series."""
        ...

    def schedule(self, address: str, appointment: Appointment) -> ItemRef:
        """Puts a meeting, or a series, into that calendar; a second one of the same uid changes
        the first."""
        ...

    def postpone(self, address: str, ref: ItemRef, by: timedelta) -> None:
        """Moves a meeting, or one occurrence of a series."""
        ...

    def occurrences(self, address: str, series: ItemRef) -> Sequence[ItemRef]:
        """The single meetings of a series, the earliest first."""
        ...
