"""A plain client of the Salesforce stand-in, and what the tests ask through it."""

from collections.abc import Mapping
from typing import Any

import httpx
from simple_salesforce import Salesforce, format_soql

from sandbox.running import Running

ANNA = "anna.kowalska@contoso.example"
BERND = "bernd.schaefer@contoso.example"
DIEGO = "diego.fernandez@contoso.example"
GRACE = "grace.okafor@contoso.example"
JAKUB = "jakub.nowak@contoso.example"
ROOT = "/services/data/v64.0"


def plain_client(sandbox: Running, user: str = ANNA) -> Salesforce:
    token = sandbox.token(user, "salesforce")
    return Salesforce(session_id=token, instance_url=sandbox.url, version="64.0")


class Api:
    """Raw requests as one user, answered with the status and the parsed body."""

    def __init__(self, sandbox: Running, user: str = ANNA) -> None:
        self.http = httpx.Client(
            base_url=f"{sandbox.url}{ROOT}/",
            headers={"Authorization": f"Bearer {sandbox.token(user, 'salesforce')}"},
            timeout=120,
        )

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        parts = {"json": body, **more} if body is not None else more
        answer = self.http.request(method, path, **parts)
        return answer.status_code, answer.json() if answer.content else None

    def create(self, name: str, **values: Any) -> str:
        status, body = self.call("POST", f"sobjects/{name}", values)
        assert status == 201, body
        return str(body["id"])

    def change(self, name: str, id_: str, **values: Any) -> None:
        status, body = self.call("PATCH", f"sobjects/{name}/{id_}", values)
        assert status == 204, body

    def get(self, name: str, id_: str) -> dict[str, Any]:
        status, body = self.call("GET", f"sobjects/{name}/{id_}")
        assert status == 200, body
        return dict(body)

    def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        """Status and errorCode of a call that fails with one error."""
        status, answer = self.call(method, path, body, **more)
        assert status >= 300, answer
        return status, answer[0]["errorCode"]

    def query(self, soql: str, *values: Any) -> list[dict[str, Any]]:
        """The records of a query whose `{}` stand for the values."""
        status, body = self.call(
            "GET", "query", params={"q": format_soql(soql, *values) if values else soql}
        )
        assert status == 200, body
        return list(body["records"])

    def composite(self, *parts: Mapping[str, Any], whole: bool = True) -> list[dict[str, Any]]:
        body = {"allOrNone": whole, "compositeRequest": list(parts)}
        status, answer = self.call("POST", "composite", body)
        assert status == 200, answer
        return list(answer["compositeResponse"])


def part(name: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """One part of a composite."""
    whole = {"referenceId": name, "method": method, "url": f"{ROOT}/{path}"}
    return whole if body is None else {**whole, "body": body}
