"""Replies that the CRM refuses are not lost: its reasons may pass, as a licence that lapsed."""

from dataclasses import replace
from datetime import timedelta

from tests.graph_notifications.office import Office, followed


def licensed(office: Office, *, write: bool) -> None:
    employees = [
        replace(one, crm_write=write) if one.oid == office.me.oid else one
        for one in office.crm.company.employees
    ]
    office.crm.company = replace(office.crm.company, employees=tuple(employees))


async def a_day_of_rounds(office: Office) -> list[str]:
    outcomes = []
    for _ in range(24):
        office.now += timedelta(hours=1)
        outcomes += await office.look_after()
    return outcomes


async def test_what_was_refused_is_saved_once_the_owner_may_again(office: Office) -> None:
    question = await followed(office)
    answer = office.mail(office.customer, office.me.address, answers=question)
    licensed(office, write=False)
    assert await office.happens(answer) == "refused"
    assert (await a_day_of_rounds(office)).count("refused") == 1
    licensed(office, write=True)
    assert "saved" in await a_day_of_rounds(office)
    assert office.record(answer) is not None
    assert not {"refused", "saved", "known"} & set(await a_day_of_rounds(office))
