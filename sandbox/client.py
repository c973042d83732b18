"""The sandbox's handles as Python calls, for tests and benchmarks."""

import ssl
from pathlib import Path
from typing import Any

import httpx

from sandbox.world import Audience


class Handles:
    """`url` has no trailing slash; `ca` is the file with the sandbox's CA certificate.

    Every method raises `httpx.HTTPStatusError` where the sandbox says no.
    """

    def __init__(self, url: str, ca: Path) -> None:
        self.url = url
        self.ca = ca
        self._http = httpx.Client(
            base_url=f"{url}/sandbox/",
            verify=ssl.create_default_context(cafile=str(ca)),
            timeout=30,
        )

    def close(self) -> None:
        self._http.close()

    def token(self, user: str, audience: Audience = "api") -> str:
        answer = self._post("tokens", json={"user": user, "audience": audience})
        token: str = answer.json()["access_token"]
        return token

    def deliver_mail(self, raw: bytes, mailbox: str, folder: str = "inbox") -> str:
        """The Graph id of the message delivered."""
        return self._deliver("mail", raw, "message/rfc822", mailbox=mailbox, folder=folder)

    def deliver_meeting(self, raw: bytes, mailbox: str) -> str:
        """The Graph id of the event made or changed."""
        return self._deliver("calendar", raw, "text/calendar", mailbox=mailbox)

    def send_draft(self, id_: str) -> str:
        sent: str = self._post(f"drafts/{id_}/send").json()["id"]
        return sent

    def change_message(self, id_: str, **properties: Any) -> None:
        """The properties are those of Graph's PATCH, e.g. `isRead=True`."""
        self._http.patch(f"messages/{id_}", json=properties).raise_for_status()

    def move_message(self, id_: str, folder: str) -> str:
        """The new Graph id."""
        moved: str = self._post(f"messages/{id_}/move", json={"folder": folder}).json()["id"]
        return moved

    def delete_message(self, id_: str) -> None:
        """For good; that is also how a draft is discarded."""
        self._http.delete(f"messages/{id_}").raise_for_status()

    def reply(self, id_: str, text: str, *, everyone: bool = False) -> str:
        """Answers from the mailbox that the message lies in; the Graph id of what was sent."""
        wanted = {"text": text, "everyone": everyone}
        sent: str = self._post(f"messages/{id_}/reply", json=wanted).json()["id"]
        return sent

    def change_event(self, id_: str, **properties: Any) -> None:
        """The properties are Graph's: subject, body, location, attendees, start, end and those of
        its PATCH. An occurrence becomes an exception of its series."""
        self._http.patch(f"events/{id_}", json=properties).raise_for_status()

    def cancel_event(self, id_: str) -> None:
        self._post(f"events/{id_}/cancel")

    def delete_event(self, id_: str) -> None:
        self._http.delete(f"events/{id_}").raise_for_status()

    def notifications(self, wait: float = 0) -> dict[str, int]:
        """The counts, after waiting at most so many seconds for nothing to be pending."""
        answer = self._http.get("notifications", params={"wait": wait}, timeout=wait + 30)
        counts: dict[str, int] = answer.raise_for_status().json()
        return counts

    def make_mischief(self, **fields: Any) -> None:
        """What to do to notifications, e.g. `drop=0.02, duplicate=0.1, seed=7`; what isn't named
        is as it should be again. `drop=3` (an integer) is for the next three."""
        self._post("notifications", json=fields)

    def lifecycle(self, event: str, subscription: str | None = None) -> list[str]:
        """Tells the subscription (all without one) of a lifecycle event; the ids of those told."""
        wanted = {"event": event, "subscription": subscription}
        told: list[str] = self._post("notifications/lifecycle", json=wanted).json()["subscriptions"]
        return told

    def forget_delta_tokens(self) -> None:
        """From then on they are answered with 410."""
        self._http.delete("delta").raise_for_status()

    def advance_clock(self, seconds: float) -> None:
        """Moves the sandbox's time, which a reset sets right. Tokens stay as good as they were."""
        self._post("clock", json={"advance": seconds})

    def fault(self, **fields: Any) -> None:
        """Arms one fault; the fields are those of the handle, e.g. `delayMs=40`."""
        self._post("faults", json=fields)

    def clear_faults(self) -> None:
        self._http.delete("faults").raise_for_status()

    def requests(self, service: str | None = None) -> list[dict[str, Any]]:
        """The calls received since the last reset, oldest first."""
        answer = self._http.get("requests", params={"service": service} if service else {})
        calls: list[dict[str, Any]] = answer.raise_for_status().json()
        return calls

    def reset(self) -> None:
        self._post("reset")

    def configure_salesforce(self, **switches: Any) -> dict[str, Any]:
        """Changes what is different about the Salesforce organisation, e.g.
        `enhancedEmail=False`; a reset changes it back."""
        org: dict[str, Any] = self._post("salesforce", json=switches).json()
        return org

    def users(self) -> dict[str, Any]:
        people: dict[str, Any] = self._http.get("users").raise_for_status().json()
        return people

    def _deliver(self, handle: str, raw: bytes, content_type: str, **query: str) -> str:
        answer = self._post(
            handle, content=raw, params=query, headers={"content-type": content_type}
        )
        id_: str = answer.json()["id"]
        return id_

    def _post(self, handle: str, **parts: Any) -> httpx.Response:
        return self._http.post(handle, **parts).raise_for_status()
