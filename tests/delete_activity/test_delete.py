"""A delete, once."""

import pytest

from delete_activity import logic
from shared.domain import Filing
from shared.errors import Forbidden, NotFound
from tests.contract import items
from tests.fakes.crm import CrmWorld, FakeCrm


async def test_a_record_is_removed_and_that_is_confirmed() -> None:
    world = CrmWorld()
    people = world.company.employees
    me = next(e.address for e in people if e.crm_read == "all" and e.crm_write)
    reader = next(e.address for e in people if e.crm_user and not e.crm_write)
    crm, mail = FakeCrm(world, me), items.email()
    saved = await crm.save(mail, Filing(), await crm.look_up(mail, None), ())
    id_ = saved.activity.id
    with pytest.raises(Forbidden):
        await logic.delete("email", id_, crm=FakeCrm(world, reader))
    with pytest.raises(NotFound):
        await logic.delete("meeting", id_, crm=crm)
    deletion = await logic.delete("email", id_, crm=crm)
    assert (deletion.kind, deletion.id) == ("email", id_)
    assert deletion.message
    assert world.records == {}
    with pytest.raises(NotFound):
        await logic.delete("email", id_, crm=crm)
