"""Whom Salesforce takes a caller for, and what callers don't share."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sandbox import salesforce
from shared.crm import CrmUser
from shared.crm.salesforce.adapter import Organization, organized
from shared.crm.salesforce.channel import Channel, NotAnswered, Request
from shared.crm.salesforce.identity import Usernames
from shared.crm.salesforce.settings import SalesforceSettings
from shared.errors import Forbidden, Upstream
from shared.outbound import Limits
from tests.contract import items
from tests.contract.salesforce_harness import SalesforceHarness

ANNA = "anna.kowalska@contoso.example"
BERND = "bernd.schaefer@contoso.example"
COMPLETE = {"url": "https://x.example", "consumer_key": "k", "private_key": "p"}


def organization(harness: SalesforceHarness, **settings: Any) -> Organization:
    chosen = harness.settings.model_copy(update=settings)
    return organized(chosen, Channel(chosen.root), Limits())


def oid(harness: SalesforceHarness, address: str) -> str:
    return next(e.oid for e in harness.company.employees if e.address == address)


def tokens_asked(harness: SalesforceHarness) -> int:
    made = [call["path"] for call in harness.sandbox.requests("salesforce")]
    return sum("oauth2/token" in path for path in made)


async def test_a_rule_makes_the_username(harness: SalesforceHarness) -> None:
    salesforce.configure(harness.sandbox.world, usernames={ANNA: f"{ANNA}.uat"})
    with pytest.raises(Forbidden):
        await harness.crm(ANNA).find(items.email())
    ruled = organization(harness, username="{upn}.uat")
    saved = await harness.crm_at(ruled, ANNA).check()
    assert saved is None


async def test_the_federation_id_finds_the_user_whatever_the_name(
    harness: SalesforceHarness,
) -> None:
    salesforce.configure(harness.sandbox.world, usernames={ANNA: "kowalska@elsewhere.example"})
    federated = organization(harness, username="federation")
    stranger = CrmUser(oid(harness, ANNA), "anything@at.all")
    assert await harness.crm_of(stranger, federated).find(items.email()) is None
    asked = tokens_asked(harness)
    assert asked == 2  # the integration user's and the caller's
    assert await harness.crm_of(stranger, federated).find(items.email()) is None
    assert tokens_asked(harness) == asked
    for nobody in ("' OR Name LIKE '%", "5d0c1a52-0000-4000-8000-000000000000", ""):
        with pytest.raises(Forbidden):
            await harness.crm_of(CrmUser(nobody, ANNA), federated).find(items.email())


async def test_a_name_that_is_to_be_asked_for_is_asked_for_once_in_ten_minutes() -> None:
    clock, asked = [0.0], 0

    async def ask() -> str:
        nonlocal asked
        asked += 1
        return ANNA

    async def nobody(_: str) -> str | None:
        return None

    names = Usernames(SalesforceSettings.model_validate(COMPLETE), lambda: clock[0])
    for clock[0] in (0.0, 300.0, 599.0):
        assert await names.of(CrmUser("anna", "", ask), nobody) == ANNA
    assert asked == 1
    assert await names.of(CrmUser("bernd", "", ask), nobody) == ANNA
    clock[0] = 600.0
    assert await names.of(CrmUser("anna", "", ask), nobody) == ANNA
    assert asked == 3


async def test_callers_share_an_exchange_but_no_token(harness: SalesforceHarness) -> None:
    crms = [harness.crm(address) for address in (ANNA, BERND) * 5]
    await asyncio.gather(*(crm.find(items.email()) for crm in crms))
    assert tokens_asked(harness) == 2


async def test_a_netrc_file_speaks_for_nobody(
    harness: SalesforceHarness, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert await harness.crm(ANNA).check() is None


async def test_a_key_that_is_none_is_told(harness: SalesforceHarness, tmp_path: Path) -> None:
    for settings in (
        {"private_key": None, "private_key_file": tmp_path / "missing.pem"},
        {"private_key": None, "private_key_file": Path(__file__)},
    ):
        with pytest.raises(Upstream, match="private key"):
            await harness.crm_at(organization(harness, **settings), ANNA).check()


async def test_a_service_that_is_down_gives_no_answer() -> None:
    channel = Channel("https://localhost:1")
    with pytest.raises(NotAnswered):
        await channel.send(Request("GET", "limits"), "token", connect=1, read=1, correlation_id="")
    channel.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"private_key": None},
        {"private_key_file": "key.pem"},
        {"username": "federation"},
        {"username": "{email}"},
        {"username": "fixed@contoso.example"},
        {"max_file_mb": 0},
        {"consumer_key": ""},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    SalesforceSettings.model_validate(COMPLETE)
    with pytest.raises(ValidationError):
        SalesforceSettings.model_validate(COMPLETE | wrong)


def test_settings_are_read_as_they_are_written() -> None:
    settings = SalesforceSettings.model_validate(
        COMPLETE
        | {"private_key": "-----BEGIN\\nKEY-----", "blocked_extensions": ".EXE, js,,"}
        | {"url": "https://contoso.my.salesforce.com/", "username": "{local}@{domain}.uat"}
    )
    assert settings.key == "-----BEGIN\nKEY-----"
    assert settings.extensions == {"exe", "js"}
    assert settings.root == "https://contoso.my.salesforce.com"
    assert settings.audience == "https://login.salesforce.com"
    assert "BEGIN" not in repr(settings)
