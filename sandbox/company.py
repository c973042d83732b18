"""The sample company: who works there, and what its CRM knows, in neutral terms.

Each CRM stand-in maps these to its own tables. Ids are UUIDs (a stand-in with other ids derives
them). Everything is made up; domains end in `.example`.
"""

from dataclasses import dataclass
from typing import Literal

DOMAIN = "contoso.example"


@dataclass(frozen=True, slots=True)
class Employee:
    """`crm_read`: which records this person sees in the CRM. `delegates`: addresses whose mailbox
    this person may open too. `crm_user` False: has a mailbox but no CRM licence."""

    oid: str
    name: str
    address: str
    crm_user: bool = True
    crm_read: Literal["all", "own"] = "all"
    crm_write: bool = True
    delegates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    name: str
    website: str
    email: str
    parent: str | None
    owner: str
    language: str


@dataclass(frozen=True, slots=True)
class Contact:
    id: str
    first_name: str
    last_name: str
    email: str
    account: str
    owner: str
    job_title: str = ""
    email2: str = ""


@dataclass(frozen=True, slots=True)
class Opportunity:
    id: str
    name: str
    description: str
    account: str
    contact: str | None
    owner: str
    state: Literal["open", "won", "lost"]
    created: str
    modified: str


@dataclass(frozen=True, slots=True)
class Case:
    id: str
    title: str
    description: str
    number: str
    account: str
    contact: str | None
    owner: str
    state: Literal["open", "resolved"]
    created: str
    modified: str


@dataclass(frozen=True, slots=True)
class Lead:
    id: str
    first_name: str
    last_name: str
    company: str
    email: str
    topic: str
    owner: str


@dataclass(frozen=True, slots=True)
class Queue:
    """A shared mailbox that the CRM knows as a queue."""

    id: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Company:
    employees: tuple[Employee, ...]
    queues: tuple[Queue, ...]
    accounts: tuple[Account, ...]
    contacts: tuple[Contact, ...]
    opportunities: tuple[Opportunity, ...]
    cases: tuple[Case, ...]
    leads: tuple[Lead, ...]
