"""How much of the organisation's allowances is used.

REST API Developer Guide, "Limits" and "Limit Info Header".
"""

from weakref import WeakKeyDictionary

from sandbox.salesforce import errors
from sandbox.salesforce.session import Call, Reply, Session
from sandbox.store import Store
from sandbox.world import World

DAILY_REQUESTS = 15_000
_USED: WeakKeyDictionary[Store, int] = WeakKeyDictionary()


def count(world: World) -> dict[str, str]:
    """Counts one request; the header that tells how many there were."""
    used = _USED[world.store] = _USED.get(world.store, 0) + 1
    return {"Sforce-Limit-Info": f"api-usage={used}/{DAILY_REQUESTS}"}


def limits(session: Session, call: Call) -> Reply:
    if call.method != "GET" or len(call.path) > 1:
        raise errors.not_found()
    left = DAILY_REQUESTS - _USED.get(session.world.store, 0)
    full = session.org.storage_full
    return Reply(
        200,
        {
            "DailyApiRequests": {"Max": DAILY_REQUESTS, "Remaining": left},
            "DataStorageMB": {"Max": 1024, "Remaining": 0 if full else 1000},
            "FileStorageMB": {"Max": 1024, "Remaining": 0 if full else 1000},
        },
    )
