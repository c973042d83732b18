"""One item's way: delivered, saved, moved to another record, found, deleted; each step checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.text import Text

from sandbox.client import Handles
from sandbox.demo.cards import card, timeline
from sandbox.demo.dataverse import Dataverse
from sandbox.demo.files import ItemFile
from sandbox.demo.records import Record, Timelines
from sandbox.demo.salesforce import Salesforce
from sandbox.demo.steps import Steps, check


@dataclass(frozen=True, slots=True)
class Journey:
    """`crm` is asked past the app, to see that it really is so."""

    steps: Steps
    crm: Timelines
    kind: str
    item: str

    def run(self, first: Record, second: Record) -> None:
        """Raises Mismatch."""
        with self.steps.step(f"Saving it, linked to {first.name}"):
            activity = self._save(first)
        self.steps.console.print(card(activity))
        with self.steps.step(f"Linking it to {second.name} instead"):
            activity = self._edit(activity, second)
        self.steps.console.print(card(activity))
        with self.steps.step("Reading the CRM's own timelines"):
            entries = self.crm.timeline(second)
            check(activity["id"] in [e.id for e in entries], "the new record's timeline lacks it")
            former = [entry.id for entry in self.crm.timeline(first)]
            check(activity["id"] not in former, "the former record's timeline still has it")
        self.steps.console.print(timeline(second, entries, activity["id"]))
        with self.steps.step("Finding it again by the Outlook item"):
            found = self.steps.call("GET", "activities", 200, params=self._query())
            same = {**found, "notices": activity["notices"]} == activity
            check(same, "what is found differs from what the edit answered")
        with self.steps.step("Deleting it"):
            self._delete(activity)
            left = [entry.id for entry in self.crm.timeline(second)]
            check(activity["id"] not in left, "the timeline still has it")
        with self.steps.step("Seeing that it is gone"):
            problem = self.steps.call("GET", "activities", 404, params=self._query())
            check(problem["code"] == "not_saved", f"the problem is called {problem['code']}")

    def _save(self, link: Record) -> dict[str, Any]:
        item = {"kind": self.kind, "mailbox": "me", "id": self.item}
        body = {"item": item, "links": [{"type": link.type, "id": link.id}]}
        before = self.steps.call("GET", "activities", 200, 404, params=self._query())
        if "id" in before:
            self.steps.console.print("It was saved before; that record is used.")
            return self.steps.call("POST", "activities", 200, json=body)
        activity = self.steps.call("POST", "activities", 201, json=body)
        check([one["id"] for one in activity["links"]] == [link.id], "it is linked to another")
        again = self.steps.call("POST", "activities", 200, json=body)
        check(again["id"] == activity["id"], "saving it again made a second record")
        return activity

    def _edit(self, activity: dict[str, Any], link: Record) -> dict[str, Any]:
        changed = self.steps.call(
            "PATCH",
            f"activities/{self.kind}/{activity['id']}",
            200,
            json={"links": [{"type": link.type, "id": link.id}]},
        )
        check([one["id"] for one in changed["links"]] == [link.id], "the link was not changed")
        return changed

    def _delete(self, activity: dict[str, Any]) -> None:
        gone = self.steps.call("DELETE", f"activities/{self.kind}/{activity['id']}", 200)
        check(gone["deleted"] is True, "the answer doesn't say that it was deleted")

    def _query(self) -> dict[str, str]:
        return {"kind": self.kind, "mailbox": "me", "item": self.item}


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
        crm = CRMS[crm_of(http, api)](handles, user)
        first, second = crm.two_records(file.addresses)
        Journey(Steps(console, http, api), crm, file.kind, item).run(first, second)


CRMS: Mapping[str, Callable[[Handles, str], Timelines]] = {
    "dataverse": Dataverse,
    "salesforce": Salesforce,
}


def crm_of(http: httpx.Client, api: str) -> str:
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
