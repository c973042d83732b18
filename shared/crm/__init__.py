"""The CRMs by name. A further one is a folder beside these and one line here."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from shared.domain import ActivityKind
from shared.errors import Unsupported
from shared.outbound import Errand, Sender
from shared.policy import CategoryField
from shared.ports import Crm


@dataclass(frozen=True, slots=True)
class CrmUser:
    """Whom the CRM shall take the caller for: the Entra object id, and the user principal name
    that a CRM with users of its own may know. `ask_username` finds that name where it is empty."""

    oid: str
    username: str
    ask_username: Callable[[], Awaitable[str]] | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """All that an adapter needs to speak to its CRM for one caller, during one request.

    `token` gives an access token for a resource, named as an OAuth 2.0 scope; it is called again
    after a 401 and should then give a fresh one. `caller_object_id` is set when the token is the
    app's own and the CRM shall act as that user (Entra object id). `categories` are the policy's
    category fields, by kind. `user` is the caller, for a CRM that Entra ID gives no tokens for; it
    is missing where the app asks for itself.
    """

    sender: Sender
    errand: Errand
    token: Callable[[str], Awaitable[str]]
    caller_object_id: str | None = None
    categories: Mapping[ActivityKind, tuple[CategoryField, ...]] = field(default_factory=dict)
    user: CrmUser | None = None


OpenCrm = Callable[[Connection], Crm]
"""Makes the `Crm` of one caller; cheap. What may be shared between callers is behind it."""


def _dataverse() -> OpenCrm:
    from shared.crm.dataverse.adapter import opener

    return opener()


def _salesforce() -> OpenCrm:
    from shared.crm.salesforce.adapter import opener

    return opener()


_OPENERS: Mapping[str, Callable[[], OpenCrm]] = {
    "dataverse": _dataverse,
    "salesforce": _salesforce,
}


def open_crm(name: str) -> OpenCrm:
    """The CRM of that name, imported on first use. Call it once per worker and keep the result.

    It reads the CRM's own settings and raises pydantic's ValidationError where one is missing.
    """
    try:
        opener = _OPENERS[name]
    except KeyError:
        raise Unsupported(f"There is no CRM named {name!r}.") from None
    return opener()
