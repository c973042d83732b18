"""What the demo asks of the CRM itself, past the app: what to link to, and a record's timeline."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx

_TIMELINE = "activityid,activitytypecode,subject,createdon,statecode"


@dataclass(frozen=True, slots=True)
class Record:
    type: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One activity on a record's timeline."""

    id: str
    type: str
    subject: str
    created: str
    completed: bool


class Dataverse:
    """The Web API as one user. Raises httpx.HTTPStatusError where it says no."""

    def __init__(self, http: httpx.Client, sandbox: str, token: str) -> None:
        self._http = http
        self._root = f"{sandbox}/dataverse/api/data/v9.2"
        self._headers = {"Authorization": f"Bearer {token}", "OData-Version": "4.0"}

    def two_records(self, addresses: Iterable[str]) -> tuple[Record, Record]:
        """An account, and an opportunity of it: of someone among the addresses if possible."""
        for address in addresses:
            quoted = address.replace("'", "''")
            for contact in self._rows("contacts", f"emailaddress1 eq '{quoted}'"):
                account = contact["_parentcustomerid_value"]
                if account and (found := self._account_and_deal(f"accountid eq {account}")):
                    return found
        found = self._account_and_deal("statecode eq 0")
        if found is None:
            raise LookupError("this user sees no account with an opportunity")
        return found

    def timeline(self, record: Record) -> list[Entry]:
        """The newest first."""
        rows = self._rows(
            "activitypointers",
            f"_regardingobjectid_value eq {record.id}",
            **{"$select": _TIMELINE, "$orderby": "createdon desc"},
        )
        return [
            Entry(
                row["activityid"],
                row["activitytypecode"],
                row["subject"] or "",
                row["createdon"],
                row["statecode"] == 1,
            )
            for row in rows
        ]

    def _account_and_deal(self, condition: str) -> tuple[Record, Record] | None:
        for account in self._rows("accounts", condition):
            deals = self._rows("opportunities", f"_parentaccountid_value eq {account['accountid']}")
            for deal in deals:
                return (
                    Record("account", account["accountid"], account["name"]),
                    Record("opportunity", deal["opportunityid"], deal["name"]),
                )
        return None

    def _rows(self, collection: str, condition: str, **options: str) -> list[dict[str, Any]]:
        answer = self._http.get(
            f"{self._root}/{collection}",
            params={"$filter": condition, **options},
            headers=self._headers,
        )
        rows: list[dict[str, Any]] = answer.raise_for_status().json()["value"]
        return rows
