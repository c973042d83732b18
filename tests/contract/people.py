"""The people of the sample company, by what matters about them here."""

from dataclasses import dataclass

from sandbox.company import Company, Contact, Employee


@dataclass(frozen=True, slots=True)
class Cast:
    """`caller` and `colleague` may read and write all; `limited` reads only their own records;
    `reader` may not write. `hidden` is a contact that `limited` can't see, `second` a contact with
    a second address."""

    caller: Employee
    colleague: Employee
    limited: Employee
    reader: Employee
    unlicensed: Employee
    contact: Contact
    other_contact: Contact
    second: Contact
    hidden: Contact


def cast(company: Company) -> Cast:
    licensed = [e for e in company.employees if e.crm_user]
    able = [e for e in licensed if e.crm_read == "all" and e.crm_write]
    limited = next(e for e in licensed if e.crm_read == "own")
    contacts = [c for c in company.contacts if c.email and not c.email2]
    hidden = [c for c in contacts if c.owner not in (limited.oid, limited.address)]
    return Cast(
        caller=able[0],
        colleague=able[1],
        limited=limited,
        reader=next(e for e in licensed if not e.crm_write),
        unlicensed=next(e for e in company.employees if not e.crm_user),
        contact=hidden[0],
        other_contact=hidden[1],
        second=next(c for c in company.contacts if c.email2),
        hidden=hidden[2],
    )
