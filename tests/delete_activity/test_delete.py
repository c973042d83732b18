"""A delete, once."""

from collections.abc import Sequence

import pytest

from delete_activity import logic
from shared.domain import Filing
from shared.errors import Forbidden, NotFound, Unavailable
from shared.following import FollowedMeeting, FollowedThread
from shared.saving.keeping_up import ended
from tests.contract import followed, items
from tests.fakes.crm import CrmWorld, FakeCrm
from tests.fakes.followings import FakeFollowings


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


async def test_what_follows_a_record_ends_with_it() -> None:
    world, followings = CrmWorld(), FakeFollowings()
    me = next(e.address for e in world.company.employees if e.crm_read == "all" and e.crm_write)
    crm, mail = FakeCrm(world, me), items.email()
    id_ = (await crm.save(mail, Filing(), await crm.look_up(mail, None), ())).activity.id
    await followings.put_thread(followed.thread("m", "t", record=id_))
    await followings.put_thread(followed.thread("m", "other"))
    await followings.put_meeting(followed.meeting("m", "i", record=id_))
    await logic.delete("email", id_, crm=crm, followings=followings)
    stopped, other = await followings.thread("m", "t"), await followings.thread("m", "other")
    assert stopped is not None
    assert stopped.stopped
    assert other is not None
    assert not other.stopped
    assert await followings.meetings("m", "i") == []


async def test_where_that_fails_it_is_said_and_the_record_is_gone() -> None:
    world, followings = CrmWorld(), FakeFollowings()
    me = next(e.address for e in world.company.employees if e.crm_read == "all" and e.crm_write)
    crm, mail = FakeCrm(world, me), items.email()
    id_ = (await crm.save(mail, Filing(), await crm.look_up(mail, None), ())).activity.id
    followings.failures["of_record"] = Unavailable("x")
    deletion = await logic.delete("email", id_, crm=crm, followings=followings)
    assert "may still be saved" in deletion.message
    assert world.records == {}


class Racing(FakeFollowings):
    """Somebody else writes the meeting between the look and its removal, once."""

    raced = False

    async def of_record(self, record: str) -> Sequence[FollowedThread | FollowedMeeting]:
        found = await super().of_record(record)
        for one in found:
            if isinstance(one, FollowedMeeting) and not self.raced:
                self.raced = True
                await self.put_meeting(one)
        return found


async def test_a_meeting_that_changes_meanwhile_is_not_followed_on() -> None:
    followings = Racing()
    await followings.put_meeting(followed.meeting("m", "i", record="1"))
    await ended({"1"}, followings)
    assert followings.raced
    assert await followings.meetings("m", "i") == []
