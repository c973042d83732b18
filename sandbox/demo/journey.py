"""One item's way: delivered, saved, moved to another record, found, deleted; each step checked."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from sandbox.client import Handles
from sandbox.demo.cards import card, timeline
from sandbox.demo.dataverse import Dataverse
from sandbox.demo.files import ItemFile
from sandbox.demo.records import Record, Timelines
from sandbox.demo.salesforce import Salesforce


class Mismatch(Exception):
    """The app or the CRM did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Journey:
    """`api` is the app's address; `crm` is asked past the app, to see that it really is so."""

    console: Console
    http: httpx.Client
    api: str
    crm: Timelines
    kind: str
    item: str

    def run(self, first: Record, second: Record) -> None:
        """Raises Mismatch."""
        with self._step(f"Saving it, linked to {first.name}"):
            activity = self._save(first)
        self.console.print(card(activity))
        with self._step(f"Linking it to {second.name} instead"):
            activity = self._edit(activity, second)
        self.console.print(card(activity))
        with self._step("Reading the CRM's own timelines"):
            entries = self.crm.timeline(second)
            _check(activity["id"] in [e.id for e in entries], "the new record's timeline lacks it")
            former = [entry.id for entry in self.crm.timeline(first)]
            _check(activity["id"] not in former, "the former record's timeline still has it")
        self.console.print(timeline(second, entries, activity["id"]))
        with self._step("Finding it again by the Outlook item"):
            found = self._call("GET", "activities", 200, params=self._query())
            _check(found == activity, "what is found differs from what the edit answered")
        with self._step("Deleting it"):
            self._delete(activity)
            left = [entry.id for entry in self.crm.timeline(second)]
            _check(activity["id"] not in left, "the timeline still has it")
        with self._step("Seeing that it is gone"):
            problem = self._call("GET", "activities", 404, params=self._query())
            _check(problem["code"] == "not_saved", f"the problem is called {problem['code']}")

    def _save(self, link: Record) -> dict[str, Any]:
        item = {"kind": self.kind, "mailbox": "me", "id": self.item}
        body = {"item": item, "links": [{"type": link.type, "id": link.id}]}
        before = self._call("GET", "activities", 200, 404, params=self._query())
        if "id" in before:
            self.console.print("It was saved before; that record is used.")
            return self._call("POST", "activities", 200, json=body)
        activity = self._call("POST", "activities", 201, json=body)
        _check([one["id"] for one in activity["links"]] == [link.id], "it is linked to another")
        again = self._call("POST", "activities", 200, json=body)
        _check(again["id"] == activity["id"], "saving it again made a second record")
        return activity

    def _edit(self, activity: dict[str, Any], link: Record) -> dict[str, Any]:
        changed = self._call(
            "PATCH",
            f"activities/{self.kind}/{activity['id']}",
            200,
            json={"links": [{"type": link.type, "id": link.id}]},
        )
        _check([one["id"] for one in changed["links"]] == [link.id], "the link was not changed")
        return changed

    def _delete(self, activity: dict[str, Any]) -> None:
        gone = self._call("DELETE", f"activities/{self.kind}/{activity['id']}", 200)
        _check(gone["deleted"] is True, "the answer doesn't say that it was deleted")

    def _query(self) -> dict[str, str]:
        return {"kind": self.kind, "mailbox": "me", "item": self.item}

    def _call(self, method: str, path: str, *expected: int, **parts: Any) -> dict[str, Any]:
        answer = self.http.request(method, f"{self.api}/{path}", **parts)
        said = f"{method} /{path} answered {answer.status_code}: {answer.text[:500]}"
        _check(answer.status_code in expected, said)
        body: dict[str, Any] = answer.json()
        return body

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        started = time.perf_counter()
        what = escape(what)
        with self.console.status(f"{what} …"):
            yield
        took = (time.perf_counter() - started) * 1000
        self.console.print(f"[green]✓[/green] {what} [dim]({took:.0f} ms)[/dim]")


def take(console: Console, api: str, handles: Handles, file: ItemFile) -> None:
    """Delivers the file to someone whom it concerns, and takes it all the way as that person.

    Raises Mismatch, and httpx.HTTPError where the sandbox itself fails.
    """
    user = _whose(handles.users()["users"], file)
    console.rule(Text(f"{file.path.name}, in the mailbox of {user}"))
    if file.kind == "email":
        item = handles.deliver_mail(file.raw, user)
    else:
        item = handles.deliver_meeting(file.raw, user)
    bearer = {"Authorization": f"Bearer {handles.token(user)}"}
    with httpx.Client(headers=bearer, timeout=60) as http:
        crm = _CRMS[_crm_of(http, api)](handles, user)
        first, second = crm.two_records(file.addresses)
        Journey(console, http, api, crm, file.kind, item).run(first, second)


_CRMS: Mapping[str, Callable[[Handles, str], Timelines]] = {
    "dataverse": Dataverse,
    "salesforce": Salesforce,
}


def _crm_of(http: httpx.Client, api: str) -> str:
    """Which CRM the app saves to, as it says itself."""
    form = http.get(f"{api}/form", params={"kind": "email"}).raise_for_status()
    name: str = form.json()["crm"]
    return name


def _whose(users: list[dict[str, Any]], file: ItemFile) -> str:
    """The first in the file who may save to the CRM, else the first such person there is."""
    able = [user["address"] for user in users if user["crm"]["write"]]
    concerned = [address for address in able if address.lower() in file.addresses]
    chosen: str = (concerned or able)[0]
    return chosen


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Mismatch(otherwise)
