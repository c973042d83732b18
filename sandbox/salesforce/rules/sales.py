"""What Opportunity and Case derive from their stage and status."""

from sandbox.salesforce.drafts import Draft
from sandbox.salesforce.rows import stamp
from sandbox.salesforce.rules.model import Rule
from sandbox.salesforce.session import Session

WON, LOST = "Closed Won", "Closed Lost"
CLOSED = "Closed"
_FIRST_NUMBER = 1001


def _before_opportunity(_session: Session, draft: Draft) -> None:
    row = draft.row
    row["IsWon"] = row.get("StageName") == WON
    row["IsClosed"] = row.get("StageName") in (WON, LOST)


def _before_case(session: Session, draft: Draft) -> None:
    row = draft.row
    row["IsClosed"] = row.get("Status") == CLOSED
    if row["IsClosed"] and not row.get("ClosedDate"):
        row["ClosedDate"] = stamp(session.rows.now())
    if draft.old is None:
        row["CaseNumber"] = f"{_FIRST_NUMBER + len(session.rows.all('Case')):08}"


RULES = {
    "Opportunity": Rule(before=_before_opportunity),
    "Case": Rule(before=_before_case),
}
