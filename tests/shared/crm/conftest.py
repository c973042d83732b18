"""What the tests of both CRMs begin with."""

import pytest
from hypothesis import settings

from shared.domain import Meeting
from tests.contract import items
from tests.contract.harness import Harness
from tests.contract.people import Cast, cast
from tests.contract.refreshing import STRANGER

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")  # however slow the machine is just then


@pytest.fixture
def people(harness: Harness) -> Cast:
    return cast(harness.company)


@pytest.fixture
def meet(people: Cast) -> Meeting:
    return items.meeting(
        items.organizer(people.caller.address), *items.attendees(people.contact.email, STRANGER)
    )
