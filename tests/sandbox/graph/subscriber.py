"""How the tests speak with the subscriptions of a running sandbox."""

import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from sandbox.entra import tokens
from sandbox.running import Running
from tests.sandbox.graph.graph_world import ANNA
from tests.sandbox.graph.receiver import Receiver

IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


class Subscriber:
    """Speaks as our app unless said otherwise."""

    def __init__(self, sandbox: Running, receiver: Receiver) -> None:
        self.sandbox = sandbox
        self.receiver = receiver
        self.http = httpx.Client(
            base_url=f"{sandbox.url}/graph/v1.0/",
            verify=ssl.create_default_context(cafile=str(sandbox.ca)),
        )
        self.speak_as_app()

    def speak_as_app(self, *roles: str) -> None:
        self._token(tokens.issue_app(self.sandbox.world, "graph", roles=roles or None))

    def speak_as(self, user: str, *scopes: str) -> None:
        self._token(tokens.issue(self.sandbox.world, user, "graph", scopes=scopes or None))

    def _token(self, token: str) -> None:
        self.http.headers["Authorization"] = f"Bearer {token}"

    def body(self, **changed: Any) -> dict[str, Any]:
        """A request that is good; a value of None leaves a property out."""
        whole = {
            "changeType": "created,updated,deleted",
            "notificationUrl": f"{self.receiver.url}/told",
            "lifecycleNotificationUrl": f"{self.receiver.url}/lifecycle",
            "resource": f"users/{ANNA}/messages",
            "expirationDateTime": in_minutes(10_000),
            "clientState": "secret",
        } | changed
        return {name: value for name, value in whole.items() if value is not None}

    def subscribe(self, *, immutable: bool = False, **changed: Any) -> dict[str, Any]:
        headers = IMMUTABLE if immutable else {}
        answer = self.http.post("subscriptions", json=self.body(**changed), headers=headers)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def refused(self, method: str, path: str, **parts: Any) -> tuple[int, str, str]:
        answer = self.http.request(method, path, **parts)
        assert answer.status_code >= 400, answer.text
        error = answer.json()["error"]
        assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}
        return answer.status_code, error["code"], error["message"]

    def get(self, path: str, **headers: str) -> dict[str, Any]:
        answer = self.http.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def told(self, wait: float = 60) -> list[dict[str, Any]]:
        """All that was told so far, once nothing is pending."""
        counts = self.sandbox.notifications(wait)
        assert counts["pending"] == 0, counts
        return self.receiver.told

    def changes(self) -> list[tuple[str, str]]:
        """The kind of each change told so far, and the id of what changed."""
        return [(told["changeType"], told["resourceData"]["id"]) for told in self.told()]


def in_minutes(minutes: float) -> str:
    when = datetime.now(UTC) + timedelta(minutes=minutes)
    return f"{when:%Y-%m-%dT%H:%M:%S.%f}0Z"
