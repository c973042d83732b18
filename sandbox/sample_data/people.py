"""Who works at the sample company, and its shared mailboxes."""

from typing import Literal

from sandbox.company import DOMAIN, Employee, Queue
from sandbox.sample_data.ids import sample_id

SUPPORT = f"support@{DOMAIN}"
SALES = f"sales@{DOMAIN}"


def _employee(
    name: str,
    local: str,
    *,
    crm_user: bool = True,
    crm_read: Literal["all", "own"] = "all",
    crm_write: bool = True,
    delegates: tuple[str, ...] = (),
) -> Employee:
    return Employee(
        oid=sample_id("employee", local),
        name=name,
        address=f"{local}@{DOMAIN}",
        crm_user=crm_user,
        crm_read=crm_read,
        crm_write=crm_write,
        delegates=delegates,
    )


EMPLOYEES = (
    _employee("Anna Kowalska", "anna.kowalska", delegates=(SALES,)),
    _employee("Bernd Schäfer", "bernd.schaefer"),
    _employee("Claire Dubois", "claire.dubois", delegates=(SUPPORT,)),
    _employee("Diego Fernández", "diego.fernandez", crm_read="own"),
    _employee("田中 恵美", "emi.tanaka"),
    _employee("Grace Okafor", "grace.okafor", crm_user=False),
    _employee("Henry Whitfield", "henry.whitfield", delegates=(SALES, SUPPORT)),
    _employee("Inês Carvalho", "ines.carvalho", delegates=(f"henry.whitfield@{DOMAIN}", SALES)),
    _employee("Jakub Nowak", "jakub.nowak", crm_write=False),
    _employee("Liam Murphy", "liam.murphy", delegates=(SUPPORT,)),
)

QUEUES = (
    Queue(id=sample_id("queue", "support"), name="Customer Support", address=SUPPORT),
    Queue(id=sample_id("queue", "sales"), name="Sales Inbox", address=SALES),
)
