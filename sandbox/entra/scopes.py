"""Which service, and which permissions of it, a token request asks for."""

from dataclasses import dataclass

from sandbox.entra.refusals import Refusal
from sandbox.entra.tokens import CONSENTED, Service
from sandbox.world import CLIENT_ID, World

_OPENID = frozenset({"openid", "profile", "email", "offline_access"})
_DEFAULT = ".default"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`names` is empty where everything consented to is asked for, as `.default` does."""

    service: Service
    resource: str
    names: tuple[str, ...]

    def granted(self) -> tuple[str, ...]:
        """The delegated permissions to put in a token. Raises Refusal for one without consent."""
        consented = CONSENTED[self.service]
        if not self.names:
            return consented
        if not set(self.names) <= set(consented):
            raise Refusal(
                "invalid_grant",
                65001,
                f"The user or administrator has not consented to use the application with ID "
                f"'{CLIENT_ID}' named 'Threadline'. Send an interactive authorization request "
                "for this user and resource.",
                suberror="consent_required",
            )
        return self.names


def wanted(world: World, scope: str) -> Wanted:
    """Reads the `scope` parameter. Raises Refusal."""
    asked = [part for part in scope.split() if part.lower() not in _OPENID]
    if not asked:
        raise _invalid(scope)
    pairs = [_split(part) for part in asked]
    resources = {resource for resource, _ in pairs}
    names = tuple(name for _, name in pairs)
    if len(resources) > 1 or (_DEFAULT in names and len(names) > 1):
        raise _invalid(scope)
    resource = resources.pop()
    service = _services(world).get(resource.rstrip("/"))
    if service is None:
        raise Refusal(
            "invalid_resource",
            500011,
            f"The resource principal named {resource} was not found in the tenant named Contoso. "
            "This can happen if the application has not been installed by the administrator of "
            "the tenant or consented to by any user in the tenant.",
        )
    return Wanted(service, resource, () if names == (_DEFAULT,) else names)


def _split(scope: str) -> tuple[str, str]:
    """A scope without a resource is one of Graph's."""
    resource, _, name = scope.rpartition("/")
    return (resource or "https://graph.microsoft.com"), name


def _services(world: World) -> dict[str, Service]:
    """Resource identifiers without a trailing slash. Graph's own clients derive the resource from
    the host they call, so the bare address of this sandbox means Graph."""
    return {
        "https://graph.microsoft.com": "graph",
        "00000003-0000-0000-c000-000000000000": "graph",
        world.base_url: "graph",
        f"{world.base_url}/graph": "graph",
        f"{world.base_url}/dataverse": "dataverse",
        CLIENT_ID: "api",
        f"api://{CLIENT_ID}": "api",
    }


def _invalid(scope: str) -> Refusal:
    return Refusal(
        "invalid_scope",
        70011,
        f"The provided value for the input parameter 'scope' is not valid. The scope {scope} is "
        "not valid.",
    )
