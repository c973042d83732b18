"""The sample company that every stand-in is seeded from."""

from functools import cache

from sandbox.company import Company
from sandbox.sample_data.people import EMPLOYEES, QUEUES


@cache
def company() -> Company:
    """The same on every call and every machine."""
    return Company(
        employees=EMPLOYEES,
        queues=QUEUES,
        accounts=(),
        contacts=(),
        opportunities=(),
        cases=(),
        leads=(),
    )
