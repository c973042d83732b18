"""Subscriptions to changes of mailboxes and calendars: what is asked for, checked, and the rows.

Rules: microsoft-graph-docs-contrib api/subscription-post-subscriptions.md,
resources/subscription.md (lifetimes) and concepts/outlook-change-notifications-overview.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import httpx

from sandbox.graph import ids
from sandbox.graph.errors import GraphError, bad_request
from sandbox.graph.messages import FOLDERS
from sandbox.graph.outbox import SERVICE, Kind
from sandbox.graph.people import Mailbox, find_mailbox
from sandbox.store import Row, Store
from sandbox.world import CLIENT_ID, Principal, World

LONGEST = timedelta(minutes=10_080)
SHORTEST = timedelta(minutes=45)
MOST_PER_MAILBOX = 1000
LONGEST_STATE = 128
_LAST_PORT = 65_535
_CHANGES = ("created", "updated", "deleted")
_RESOURCE = re.compile(
    r"/?(?:me|users/(?P<user>[^/]+))/"
    r"(?:(?:mailfolders/(?P<folder>[^/]+)/)?(?P<messages>messages)|(?P<events>events))/?",
    re.IGNORECASE,
)
_KEY = re.compile(r"\('([^']*)'\)")
_WANTED = frozenset(
    {
        "changeType",
        "notificationUrl",
        "lifecycleNotificationUrl",
        "resource",
        "expirationDateTime",
        "clientState",
        "latestSupportedTlsVersion",
        "includeResourceData",
    }
)
_PERMISSIONS: Mapping[Kind, str] = {"messages": "Mail.Read", "events": "Calendars.Read"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request that is right in itself; who may make it is not looked at yet.

    `user` None is the caller. `folder` is None for the whole mailbox, else as it was named.
    """

    kind: Kind
    user: str | None
    folder: str | None
    resource: str
    change_type: str
    url: str
    lifecycle_url: str | None
    expires: datetime
    client_state: str | None
    tls: str


def read(body: Mapping[str, Any], now: datetime) -> Wanted:
    """Raises GraphError 400."""
    for name in body.keys() - _WANTED:
        raise invalid(f"The property '{name}' is not supported on a subscription.")
    if body.get("includeResourceData"):
        raise invalid("Notifications with resource data are not supported by this sandbox.")
    resource = _text(body, "resource")
    kind, user, folder = _resource(resource)
    lifecycle = body.get("lifecycleNotificationUrl")
    return Wanted(
        kind=kind,
        user=user,
        folder=folder,
        resource=resource,
        change_type=_change_type(_text(body, "changeType")),
        url=checked_url(_text(body, "notificationUrl"), "NotificationUrl"),
        lifecycle_url=lifecycle and checked_url(lifecycle, "LifecycleNotificationUrl"),
        expires=checked_expiry(_text(body, "expirationDateTime"), now),
        client_state=_client_state(body.get("clientState")),
        tls=str(body.get("latestSupportedTlsVersion") or "v1_2"),
    )


def create(world: World, who: Principal, wanted: Wanted, *, immutable: bool) -> Row:
    """Raises GraphError 403 or 404: wrapped, as Graph reports what Exchange refuses."""
    mailbox = allowed_mailbox(world, who, wanted.kind, wanted.user, "Create")
    folder = _folder(mailbox, wanted.folder)
    active = [row for row in world.store.all(SERVICE, "subscriptions") if _active(world, row)]
    if sum(row["mailbox"] == mailbox.address for row in active) >= MOST_PER_MAILBOX:
        # The number is documented, the wording of the refusal is not.
        raise refused("Create", 403, "The mailbox has reached its limit of subscriptions.")
    id_ = str(uuid4())
    row = {
        "id": id_,
        "mailbox": mailbox.address,
        "oid": mailbox.oid,
        "kind": wanted.kind,
        "folder": folder,
        "resource": wanted.resource,
        "changeType": wanted.change_type,
        "changes": wanted.change_type.split(","),
        "url": wanted.url,
        "lifecycleUrl": wanted.lifecycle_url,
        "clientState": wanted.client_state,
        "since": world.clock().isoformat(),
        "expires": wanted.expires.isoformat(),
        "warned": False,
        "creator": who.oid,
        "immutable": immutable,
        "tls": wanted.tls,
    }
    world.store.put(SERVICE, "subscriptions", id_, row)
    return row


def find(world: World, who: Principal, id_: str) -> Row:
    """An active subscription that the caller made. Raises GraphError 404."""
    row = world.store.get(SERVICE, "subscriptions", id_)
    if row is None or row["creator"] != who.oid or not _active(world, row):
        raise GraphError(404, "ResourceNotFound", "The object was not found.")
    return row


def made_by(world: World, who: Principal) -> list[Row]:
    rows = world.store.all(SERVICE, "subscriptions")
    return [row for row in rows if row["creator"] == who.oid and _active(world, row)]


def renew(world: World, row: Row, expires: datetime, url: str) -> Row:
    """From then on it is warned of its expiry anew."""
    renewed = {
        **row,
        "since": world.clock().isoformat(),
        "expires": expires.isoformat(),
        "url": url,
        "warned": False,
    }
    world.store.put(SERVICE, "subscriptions", row["id"], renewed)
    return renewed


def remove(store: Store, id_: str) -> None:
    """With it goes what it was still to be told; lifecycle events are told none the less."""
    with store.transaction():
        store.delete(SERVICE, "subscriptions", id_)
        for waiting, row in store.items(SERVICE, "outbox"):
            if row["subscription"] == id_ and "lifecycleEvent" not in row["told"]:
                store.delete(SERVICE, "outbox", waiting)


def subscription_json(row: Row) -> dict[str, Any]:
    expires = datetime.fromisoformat(row["expires"])
    return {
        "id": row["id"],
        "resource": row["resource"],
        "applicationId": CLIENT_ID,
        "changeType": row["changeType"],
        "clientState": row["clientState"],
        "notificationUrl": row["url"],
        "notificationQueryOptions": None,
        "lifecycleNotificationUrl": row["lifecycleUrl"],
        "expirationDateTime": f"{expires:%Y-%m-%dT%H:%M:%S.%f}0Z",
        "creatorId": row["creator"],
        "includeResourceData": None,
        "latestSupportedTlsVersion": row["tls"],
        "encryptionCertificate": None,
        "encryptionCertificateId": None,
        "notificationUrlAppId": None,
    }


def allowed_mailbox(
    world: World, who: Principal, kind: Kind, user: str | None, operation: str
) -> Mailbox:
    """The mailbox, where the caller may subscribe to it: the app with its application permission,
    a person to their own only, since `.Shared` permissions can't subscribe. Raises GraphError."""
    if user is None and who.app_only:
        raise bad_request("/me request is only valid with delegated authentication flow.")
    mailbox = find_mailbox(world, who.oid if user is None else user)
    if mailbox is None:
        raise refused(operation, 404, f"The requested user '{user}' is invalid.")
    held = who.roles if who.app_only else who.scopes
    permission = _PERMISSIONS[kind]
    has = permission in held or permission.replace(".Read", ".ReadWrite") in held
    if not has or not (who.app_only or mailbox.oid == who.oid):
        raise refused(operation, 403, "Access is denied. Check credentials and try again.")
    return mailbox


def refused(operation: str, status: int, reason: str) -> GraphError:
    named = {403: "Forbidden", 404: "NotFound"}[status]
    message = f"Operation: {operation}; Exception: [Status Code: {named}; Reason: {reason}]"
    return GraphError(status, "ExtensionError", message)


def invalid(message: str) -> GraphError:
    return bad_request(message, "InvalidRequest")


def checked_url(value: Any, name: str) -> str:
    """HTTPS, or plain HTTP on this machine, which Graph itself would refuse."""
    try:
        url = httpx.URL(value)
    except (TypeError, httpx.InvalidURL):
        url = httpx.URL()
    local = url.scheme == "http" and url.host in ("localhost", "127.0.0.1")
    if not url.host or not (url.scheme == "https" or local) or (url.port or 0) > _LAST_PORT:
        raise invalid(f"The value of '{name}' is invalid: it must be an HTTPS address.")
    return str(value)


def checked_expiry(value: Any, now: datetime) -> datetime:
    """What is nearer than 45 minutes is raised to 45."""
    try:
        expires = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise invalid("The value of 'ExpirationDateTime' is invalid.") from None
    expires = expires.replace(tzinfo=UTC) if expires.tzinfo is None else expires.astimezone(UTC)
    if expires <= now:
        raise invalid("Subscription expiration must be in the future.")
    if expires > now + LONGEST:
        minutes = int(LONGEST.total_seconds()) // 60
        raise invalid(f"Subscription expiration can only be {minutes} minutes in the future.")
    return max(expires, now + SHORTEST)


def _active(world: World, row: Row) -> bool:
    return datetime.fromisoformat(row["expires"]) > world.clock()


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(f"The required property '{name}' is missing or invalid.")
    return value


def _change_type(text: str) -> str:
    kinds = [part.strip().lower() for part in text.split(",")]
    if not set(kinds) <= set(_CHANGES):
        raise invalid(f"The value of 'ChangeType' is invalid: '{text}'.")
    return ",".join(kinds)


def _client_state(value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and len(value) <= LONGEST_STATE):
        raise invalid(f"'ClientState' must be a string of at most {LONGEST_STATE} characters.")
    return value


def _resource(text: str) -> tuple[Kind, str | None, str | None]:
    found = _RESOURCE.fullmatch(_KEY.sub(r"/\1", text))
    if found is None:
        raise invalid(f"Resource '{text}' is not supported.")
    user = found["user"] and unquote(found["user"])
    return "events" if found["events"] else "messages", user, found["folder"]


def _folder(mailbox: Mailbox, wanted: str | None) -> str | None:
    if wanted is None:
        return None
    for folder in FOLDERS:
        if wanted.lower() == folder or wanted == ids.folder_id(mailbox.address, folder):
            return folder
    raise refused("Create", 404, "The specified object was not found in the store.")
