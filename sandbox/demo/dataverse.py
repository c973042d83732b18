"""Dataverse's answers to the demo: what to link to, and a record's timeline."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import httpx

from sandbox.client import Handles
from sandbox.demo.records import Entry, Record
from sandbox.stack import trust

_CANCELED = 2
_TIMELINE = "activityid,activitytypecode,subject,createdon,statecode"


class Dataverse:
    """The Web API as one user. Raises httpx.HTTPStatusError where it says no."""

    def __init__(self, handles: Handles, user: str) -> None:
        self._root = f"{handles.url}/dataverse/api/data/v9.2"
        token = handles.token(user, "dataverse")
        headers = {"Authorization": f"Bearer {token}", "OData-Version": "4.0"}
        self._http = httpx.Client(verify=trust(handles.ca), timeout=30, headers=headers)

    def two_records(self, addresses: Iterable[str]) -> tuple[Record, Record]:
        """See `Timelines`."""
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
        """See `Timelines`."""
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

    def meeting(self, id_: str) -> tuple[datetime, bool]:
        """See `Timelines`."""
        (row,) = self._rows("appointments", f"activityid eq {id_}")
        return datetime.fromisoformat(row["scheduledstart"]), row["statecode"] == _CANCELED

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
        )
        rows: list[dict[str, Any]] = answer.raise_for_status().json()["value"]
        return rows
