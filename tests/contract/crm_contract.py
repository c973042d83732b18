"""What every CRM must do.

A CRM's test is a subclass named `Test…` with one fixture, `harness`, that gives a `Harness`.
Differences between CRMs are declared in its `Traits`; no test is ever left out.
"""

import pytest

from tests.contract.editing import Editing
from tests.contract.guarding import Guarding
from tests.contract.harness import Harness
from tests.contract.people import Cast, cast
from tests.contract.refreshing import Refreshing
from tests.contract.saving import Saving
from tests.contract.timing import Timing


class CrmContract(Saving, Editing, Refreshing, Timing, Guarding):
    @pytest.fixture
    def people(self, harness: Harness) -> Cast:
        return cast(harness.company)
