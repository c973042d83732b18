"""Salesforce's answers to the demo, through simple-salesforce as anybody would use it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import requests
from simple_salesforce.api import Salesforce as Client
from simple_salesforce.format import format_soql

from sandbox.client import Handles
from sandbox.demo.records import Entry, Record

_DEALS = "SELECT Id, Name, AccountId, Account.Name FROM Opportunity"
_EMAILS = "SELECT Id, Subject, CreatedDate, Status FROM EmailMessage WHERE RelatedToId = {}"
_EVENTS = "SELECT Id, Subject, CreatedDate FROM Event WHERE WhatId = {}"
_DRAFT = "5"


class Salesforce:
    """The REST API as one user."""

    def __init__(self, handles: Handles, user: str) -> None:
        session = requests.Session()
        session.trust_env = False  # or REQUESTS_CA_BUNDLE would go before `verify`
        session.verify = str(handles.ca)
        token = handles.token(user, "salesforce")
        self._client = Client(instance_url=handles.url, session_id=token, session=session)

    def two_records(self, addresses: Iterable[str]) -> tuple[Record, Record]:
        """See `Timelines`."""
        known = self._rows("SELECT AccountId FROM Contact WHERE Email IN {}", list(addresses))
        accounts = [row["AccountId"] for row in known if row["AccountId"]]
        deals = (
            self._rows(f"{_DEALS} WHERE AccountId IN {{}} LIMIT 1", accounts) if accounts else []
        )
        for deal in deals or self._rows(f"{_DEALS} WHERE AccountId != null LIMIT 1"):
            return (
                Record("account", deal["AccountId"], deal["Account"]["Name"]),
                Record("opportunity", deal["Id"], deal["Name"]),
            )
        raise LookupError("this user sees no account with an opportunity")

    def timeline(self, record: Record) -> list[Entry]:
        """See `Timelines`."""
        emails = [
            Entry(row["Id"], "email", row["Subject"], row["CreatedDate"], row["Status"] != _DRAFT)
            for row in self._rows(_EMAILS, record.id)
        ]
        events = [
            Entry(row["Id"], "event", row["Subject"], row["CreatedDate"], completed=False)
            for row in self._rows(_EVENTS, record.id)
        ]
        return sorted([*emails, *events], key=lambda entry: entry.created, reverse=True)

    def meeting(self, id_: str) -> tuple[datetime, bool]:
        """See `Timelines`."""
        (row,) = self._rows("SELECT StartDateTime, Subject FROM Event WHERE Id = {}", id_)
        begins = datetime.strptime(row["StartDateTime"], "%Y-%m-%dT%H:%M:%S.%f%z")
        return begins, row["Subject"].startswith("Canceled:")

    def _rows(self, soql: str, *values: object) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._client.query_all(format_soql(soql, *values))["records"]
        return rows
