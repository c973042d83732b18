"""The sample company that every stand-in is seeded from."""

from functools import cache

from sandbox.company import Company
from sandbox.sample_data.accounts import ACCOUNTS
from sandbox.sample_data.cases import CASES
from sandbox.sample_data.contacts import CONTACTS
from sandbox.sample_data.leads import LEADS
from sandbox.sample_data.opportunities import OPPORTUNITIES
from sandbox.sample_data.people import EMPLOYEES, QUEUES


@cache
def company() -> Company:
    """The same on every call and every machine."""
    return Company(
        employees=EMPLOYEES,
        queues=QUEUES,
        accounts=ACCOUNTS,
        contacts=CONTACTS,
        opportunities=OPPORTUNITIES,
        cases=CASES,
        leads=LEADS,
    )
