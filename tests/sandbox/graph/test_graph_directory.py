"""What the directory tells of a person, and the adapter that asks it."""

import httpx
import pytest

from sandbox.entra.tokens import issue_app
from sandbox.running import Running
from shared.errors import Forbidden
from shared.outbound import Sender
from shared.outlook.directory import user_principal_name

ANNA = "anna.kowalska@contoso.example"


def oid(sandbox: Running, address: str) -> str:
    return next(e.oid for e in sandbox.world.company.employees if e.address == address)


def asked(sandbox: Running, user: str, token: str, select: str = "") -> httpx.Response:
    return httpx.get(
        f"{sandbox.url}/graph/v1.0/users/{user}{select}",
        headers={"Authorization": f"Bearer {token}"},
    )


async def name_of(sandbox: Running, user: str, *roles: str) -> str:
    token = issue_app(sandbox.world, "graph", roles=roles)
    sender = Sender()
    try:
        errand = sender.errand(5)
        return await user_principal_name(sender, errand, f"{sandbox.url}/graph/v1.0", token, user)
    finally:
        await sender.aclose()


async def test_an_app_finds_a_sign_in_name_by_object_id(fresh_sandbox: Running) -> None:
    assert await name_of(fresh_sandbox, oid(fresh_sandbox, ANNA), "User.Read.All") == ANNA


async def test_who_has_left_is_told_so(fresh_sandbox: Running) -> None:
    with pytest.raises(Forbidden) as told:
        await name_of(fresh_sandbox, "5d0c1a52-0000-4000-8000-000000000000", "User.Read.All")
    assert "does not know you" in told.value.detail


async def test_an_app_without_the_permission_finds_nobody(fresh_sandbox: Running) -> None:
    with pytest.raises(Forbidden):
        await name_of(fresh_sandbox, oid(fresh_sandbox, ANNA), "Mail.Read")


def test_a_person_reads_themselves_only(fresh_sandbox: Running) -> None:
    token = fresh_sandbox.token(ANNA, "graph")
    mine = asked(fresh_sandbox, oid(fresh_sandbox, ANNA), token)
    assert mine.json()["userPrincipalName"] == ANNA
    other = oid(fresh_sandbox, "bernd.schaefer@contoso.example")
    assert asked(fresh_sandbox, other, token).status_code == 403


def test_what_is_selected_must_exist(fresh_sandbox: Running) -> None:
    token, anna = fresh_sandbox.token(ANNA, "graph"), oid(fresh_sandbox, ANNA)
    chosen = asked(fresh_sandbox, anna, token, "?$select=userPrincipalName").json()
    assert {name for name in chosen if not name.startswith("@")} == {"userPrincipalName"}
    assert asked(fresh_sandbox, anna, token, "?$select=nonsense").status_code == 400
