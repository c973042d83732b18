"""An answer often comes from another address than the one that was written to."""

from tests.graph_notifications.office import Office

OFFICE = "sales@customer-company.example"
CLERK = "Kim.Lee@Customer-Company.example"


async def test_somebody_of_the_company_that_was_written_to_may_answer(office: Office) -> None:
    asked = office.mail(office.me.address, OFFICE)
    await office.follow(asked)
    answer = office.mail(CLERK, office.me.address, answers=asked)
    assert await office.happens(answer) == "saved"


async def test_so_may_a_colleague_of_who_came_in_but_not_before(office: Office) -> None:
    asked = office.mail(office.customer, office.me.address)
    await office.follow(asked)
    joined = office.mail(office.customer, office.me.address, OFFICE, answers=asked)
    early = office.mail(CLERK, office.me.address, answers=asked)
    office.arrive(early, minutes=1)
    office.arrive(joined, minutes=2)
    late = office.mail(CLERK, office.me.address, answers=joined)
    office.arrive(late, minutes=3)
    assert await office.happens(joined) == "saved"
    assert await office.happens(early) == "stranger"
    assert await office.happens(late) == "saved"


async def test_a_mail_provider_is_no_company(office: Office) -> None:
    asked = office.mail(office.me.address, "kim.lee@gmail.com")
    await office.follow(asked)
    other = office.mail("somebody.else@gmail.com", office.me.address, answers=asked)
    assert await office.happens(other) == "stranger"
    same = office.mail("Kim.Lee@Gmail.com", office.me.address, answers=asked)
    assert await office.happens(same) == "saved"


async def test_a_domain_that_ends_alike_is_another_one(office: Office) -> None:
    asked = office.mail(office.me.address, OFFICE)
    await office.follow(asked)
    forged = office.mail("kim@not-customer-company.example", office.me.address, answers=asked)
    assert await office.happens(forged) == "stranger"
