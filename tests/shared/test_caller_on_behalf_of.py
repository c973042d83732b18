"""The exchange of a caller's token, over the wire with the sandbox's Entra ID."""

import asyncio
import json
from typing import Any

import httpx
import jwt
import pytest

from sandbox.entra.identity import IDENTITY_CLIENT_ID, IDENTITY_HEADER
from sandbox.running import Running
from sandbox.world import CLIENT_ID, CLIENT_SECRET, TENANT
from shared.caller import Authenticator, Caller
from shared.errors import Forbidden, ThreadlineError, Unauthenticated, Unavailable, Upstream
from shared.identity_transport import refusal
from shared.on_behalf_of import MOST_TOKENS, App, OnBehalfOf
from shared.outbound import Limits, Sender

GRAPH = "https://graph.microsoft.com/.default"
PATIENCE = 5.0


def people(sandbox: Running) -> list[str]:
    return [person.address for person in sandbox.world.company.employees]


async def signed_in(sandbox: Running, sender: Sender, address: str) -> Caller:
    door = Authenticator(
        sender,
        tenants=(TENANT,),
        audiences=(f"api://{CLIENT_ID}", CLIENT_ID),
        authority=f"{sandbox.url}/entra",
    )
    return await door.authenticate(f"Bearer {sandbox.token(address)}")


def app(sandbox: Running, **changes: Any) -> App:
    return App(
        **{
            "client_id": CLIENT_ID,
            "authority": f"{sandbox.url}/entra",
            "client_secret": CLIENT_SECRET,
            **changes,
        }
    )


def exchanges(sandbox: Running) -> int:
    return len([call for call in sandbox.requests("entra") if call["path"].endswith("/token")])


def subject(token: str) -> str:
    oid: str = jwt.decode(token, options={"verify_signature": False})["oid"]
    return oid


async def test_a_caller_gets_a_token_in_their_own_name(fresh_sandbox: Running) -> None:
    sender = Sender()
    caller = await signed_in(fresh_sandbox, sender, people(fresh_sandbox)[0])
    source = OnBehalfOf(sender, app(fresh_sandbox))
    token = await source.token(caller, GRAPH, sender.errand(PATIENCE))
    assert subject(token) == caller.oid
    assert token != caller.token


async def test_many_at_once_make_one_exchange(fresh_sandbox: Running) -> None:
    sender = Sender()
    caller = await signed_in(fresh_sandbox, sender, people(fresh_sandbox)[0])
    source = OnBehalfOf(sender, app(fresh_sandbox))
    errand = sender.errand(PATIENCE)
    tokens = await asyncio.gather(*(source.token(caller, GRAPH, errand) for _ in range(20)))
    assert len(set(tokens)) == 1
    assert await source.token(caller, GRAPH, errand) == tokens[0]
    assert exchanges(fresh_sandbox) == 1


async def test_two_people_never_share_a_token(fresh_sandbox: Running) -> None:
    sender = Sender()
    first, second = people(fresh_sandbox)[:2]
    callers = [await signed_in(fresh_sandbox, sender, one) for one in (first, second)]
    source = OnBehalfOf(sender, app(fresh_sandbox))
    errand = sender.errand(PATIENCE)
    tokens = [await source.token(caller, GRAPH, errand) for caller in callers * 2]
    assert [subject(token) for token in tokens] == [caller.oid for caller in callers * 2]


async def test_one_waiter_leaving_does_not_end_the_exchange(fresh_sandbox: Running) -> None:
    sender = Sender()
    caller = await signed_in(fresh_sandbox, sender, people(fresh_sandbox)[0])
    source = OnBehalfOf(sender, app(fresh_sandbox))
    errand = sender.errand(PATIENCE)
    fresh_sandbox.fault(service="entra", path="/token", delayMs=200)
    impatient = asyncio.create_task(source.token(caller, GRAPH, errand))
    await asyncio.sleep(0.05)
    patient = asyncio.create_task(source.token(caller, GRAPH, errand))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient
    assert exchanges(fresh_sandbox) == 1


async def test_tokens_end_and_refused_ones_are_replaced(fresh_sandbox: Running) -> None:
    sender = Sender()
    caller = await signed_in(fresh_sandbox, sender, people(fresh_sandbox)[0])
    now = fresh_sandbox.world.clock().timestamp()
    source = OnBehalfOf(sender, app(fresh_sandbox), now=lambda: now)
    errand = sender.errand(PATIENCE)
    first = await source.token(caller, GRAPH, errand)
    now += 80 * 60
    second = await source.token(caller, GRAPH, errand)
    assert exchanges(fresh_sandbox) == 2
    now -= 80 * 60
    third = await source.token(caller, GRAPH, errand, refused=second)
    assert len({first, second, third}) == 3
    assert await source.token(caller, GRAPH, errand, refused=second) == third
    assert exchanges(fresh_sandbox) == 3


async def test_within_one_request_asking_again_means_refused(fresh_sandbox: Running) -> None:
    sender = Sender()
    caller = await signed_in(fresh_sandbox, sender, people(fresh_sandbox)[0])
    source = OnBehalfOf(sender, app(fresh_sandbox))
    errand = sender.errand(PATIENCE)
    one, other = source.source(caller, errand), source.source(caller, errand)
    first = await one(GRAPH)
    assert await other(GRAPH) == first
    assert await one(GRAPH) != first


async def test_a_managed_identity_stands_in_for_the_secret(
    fresh_sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{fresh_sandbox.url}/entra/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", IDENTITY_HEADER)
    sender = Sender()
    caller = await signed_in(fresh_sandbox, sender, people(fresh_sandbox)[0])
    federated = app(fresh_sandbox, client_secret=None, identity_client_id=IDENTITY_CLIENT_ID)
    token = await OnBehalfOf(sender, federated).token(caller, GRAPH, sender.errand(PATIENCE))
    assert subject(token) == caller.oid


async def test_without_secret_and_identity_the_admin_is_told(fresh_sandbox: Running) -> None:
    sender = Sender(Limits(connect=0.2, attempts=1))
    caller = await signed_in(fresh_sandbox, sender, people(fresh_sandbox)[0])
    source = OnBehalfOf(sender, app(fresh_sandbox, client_secret=None))
    with pytest.raises((Upstream, Unavailable)):
        await source.token(caller, GRAPH, sender.errand(1.0))


async def test_a_wrong_secret_is_the_admins_problem(fresh_sandbox: Running) -> None:
    sender = Sender()
    caller = await signed_in(fresh_sandbox, sender, people(fresh_sandbox)[0])
    source = OnBehalfOf(sender, app(fresh_sandbox, client_secret="no"))
    with pytest.raises(Upstream, match="AADSTS7000215"):
        await source.token(caller, GRAPH, sender.errand(PATIENCE))


@pytest.mark.parametrize("status", [500, 503, 504])
async def test_entra_down_is_said_and_a_later_try_succeeds(
    status: int, fresh_sandbox: Running
) -> None:
    sender = Sender(Limits(attempts=2))
    caller = await signed_in(fresh_sandbox, sender, people(fresh_sandbox)[0])
    source = OnBehalfOf(sender, app(fresh_sandbox))
    fresh_sandbox.fault(service="entra", path="/token", status=status, body="<html>down</html>")
    with pytest.raises(Unavailable):
        await source.token(caller, GRAPH, sender.errand(PATIENCE))
    fresh_sandbox.clear_faults()
    assert await source.token(caller, GRAPH, sender.errand(PATIENCE))


async def test_a_cut_connection_is_tried_again(fresh_sandbox: Running) -> None:
    sender = Sender()
    caller = await signed_in(fresh_sandbox, sender, people(fresh_sandbox)[0])
    source = OnBehalfOf(sender, app(fresh_sandbox))
    fresh_sandbox.fault(service="entra", path="/token", drop="after", times=1)
    assert await source.token(caller, GRAPH, sender.errand(PATIENCE))


async def test_the_number_of_tokens_kept_is_bounded() -> None:
    asked: list[str] = []

    def entra(request: httpx.Request) -> httpx.Response:
        asked.append(request.content.decode())
        answer = {"access_token": f"t{len(asked)}", "expires_in": 3600, "token_type": "Bearer"}
        return httpx.Response(200, json=answer)

    sender = Sender(transport=httpx.MockTransport(entra))
    source = OnBehalfOf(sender, App(CLIENT_ID, "https://login.example", "secret"))
    errand = sender.errand(60)
    for number in range(MOST_TOKENS + 1):
        await source.token(_somebody(f"token {number}"), GRAPH, errand)
    await source.token(_somebody(f"token {MOST_TOKENS}"), GRAPH, errand)
    assert len(asked) == MOST_TOKENS + 1
    await source.token(_somebody("token 0"), GRAPH, errand)
    assert len(asked) == MOST_TOKENS + 2


def _somebody(token: str) -> Caller:
    return Caller("oid", TENANT, "Ann", "ann@contoso.example", token)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (
            400,
            {"error": "invalid_grant", "error_codes": [65001], "suberror": "consent_required"},
            Forbidden,
        ),
        (400, {"error": "consent_required"}, Forbidden),
        (400, {"error": "interaction_required", "error_codes": [50076]}, Unauthenticated),
        (400, {"error": "invalid_grant", "error_codes": [50013]}, Unauthenticated),
        (400, {"error": "invalid_grant", "error_codes": [500133]}, Unauthenticated),
        (401, {"error": "invalid_client", "error_codes": [7000222]}, Upstream),
        (400, {"error": "invalid_scope", "error_codes": [70011]}, Upstream),
        (400, {"error": "temporarily_unavailable"}, Unavailable),
        (500, {}, Unavailable),
        (200, {}, Upstream),
        (418, {"error": {"code": "x"}, "error_codes": "many"}, Upstream),
    ],
)
def test_every_refusal_of_entra_says_what_to_do(
    status: int, body: dict[str, Any], expected: type[ThreadlineError]
) -> None:
    secret = "AADSTS1: ann@contoso.example is not welcome"
    error = refusal(status, {**body, "error_description": secret})
    assert type(error) is expected
    assert "contoso" not in error.detail


def test_nothing_heavy_is_imported_before_the_first_exchange() -> None:
    import subprocess
    import sys

    script = (
        "import sys, json, shared.caller, shared.on_behalf_of;"
        "print(json.dumps([m for m in ('jwt', 'azure.identity', 'msal', 'aiohttp')"
        " if m in sys.modules]))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert json.loads(found.stdout) == []


def test_secrets_stay_out_of_representations() -> None:
    assert "hidden" not in repr(App(CLIENT_ID, "https://login.example", "hidden"))
    assert "hidden" not in repr(_somebody("hidden"))
