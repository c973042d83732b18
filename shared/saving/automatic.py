"""What is never saved unless a person asks for that very item."""

from typing import Literal

from shared.domain import Item, LookUp
from shared.errors import InvalidRequest
from shared.participants import outsiders
from shared.policy import Policy
from shared.rules import check_exclusions
from shared.saving.save import Check

Why = Literal["off", "draft", "automatic", "label", "excluded", "internal"]
"""The kind is switched off; a draft; an automatic reply or the like; a label that says private or
the like; someone excluded takes part; nobody from outside does."""


class LeftOut(Exception):
    """It is not to be saved by itself. `why` is all that it says."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why: Why = why


def check_item(item: Item, policy: Policy) -> None:
    """What can be told before the CRM is asked. Raises `LeftOut`."""
    if not policy.saves(item.kind):
        raise LeftOut("off")
    if item.kind == "email" and item.is_draft:
        raise LeftOut("draft")
    if item.kind == "email" and item.automatic:
        raise LeftOut("automatic")
    if item.sensitivity in policy.exclusions.never_auto_saved:
        raise LeftOut("label")
    try:
        check_exclusions(item, policy.exclusions)
    except InvalidRequest:
        raise LeftOut("excluded") from None


def someone_external(item: Item, *own: str) -> Check:
    """A check that raises `LeftOut` where nobody takes part but users and queues of the CRM, and
    others of their domains; `own` are further addresses of the company's, such as the mailbox's."""

    async def check(known: LookUp) -> None:
        if not outsiders(item, known.parties, own):
            raise LeftOut("internal")

    return check
