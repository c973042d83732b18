"""The sample company hangs together, and has the oddities that the tests of others need."""

from collections import Counter

from sandbox.sample import company


def test_it_is_as_large_as_promised() -> None:
    sample = company()
    assert len(sample.employees) >= 8
    assert len(sample.queues) >= 2
    assert len(sample.accounts) >= 40
    assert len(sample.contacts) >= 120
    assert len(sample.opportunities) >= 60
    assert len(sample.leads) >= 20
    assert len(sample.cases) >= 25


def test_every_id_is_its_own() -> None:
    sample = company()
    ids = [e.oid for e in sample.employees]
    for records in (
        sample.queues,
        sample.accounts,
        sample.contacts,
        sample.opportunities,
        sample.cases,
        sample.leads,
    ):
        ids += [record.id for record in records]
    assert [id_ for id_, count in Counter(ids).items() if count > 1] == []


def test_every_reference_leads_somewhere() -> None:
    sample = company()
    accounts = {a.id for a in sample.accounts}
    contacts = {c.id: c for c in sample.contacts}
    addresses = {e.address for e in sample.employees}
    mailboxes = addresses | {q.address for q in sample.queues}
    assert {a.parent for a in sample.accounts} - {None} <= accounts
    assert {c.account for c in sample.contacts} <= accounts
    for record in (*sample.opportunities, *sample.cases):
        assert record.account in accounts, record
        assert record.contact is None or contacts[record.contact].account == record.account
        assert record.created < record.modified
    owned = (
        *sample.accounts,
        *sample.contacts,
        *sample.opportunities,
        *sample.cases,
        *sample.leads,
    )
    assert {record.owner for record in owned} <= addresses
    assert {d for e in sample.employees for d in e.delegates} <= mailboxes


def test_it_has_the_people_with_unusual_rights() -> None:
    sample = company()
    assert any(e.crm_read == "own" for e in sample.employees)
    assert any(not e.crm_user for e in sample.employees)
    assert any(not e.crm_write for e in sample.employees)
    own = next(e for e in sample.employees if e.crm_read == "own")
    assert any(o.owner == own.address for o in sample.opportunities)


def test_it_has_the_awkward_addresses() -> None:
    sample = company()
    contacts = Counter(c.email for c in sample.contacts)
    assert sorted(contacts.values())[-2:] == [1, 2]
    assert {lead.email for lead in sample.leads} & contacts.keys()
    assert "siobhan.o'brien@harbourline-ireland.example" in contacts
    assert all(c.email.isascii() and c.email == c.email.lower() for c in sample.contacts)


def test_it_speaks_several_languages_and_states() -> None:
    sample = company()
    assert {a.language for a in sample.accounts} == {"en", "pl", "de", "fr", "es", "ja"}
    assert {o.state for o in sample.opportunities} == {"open", "won", "lost"}
    assert {c.state for c in sample.cases} == {"open", "resolved"}
