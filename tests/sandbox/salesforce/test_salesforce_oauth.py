"""The JWT bearer flow of the Salesforce stand-in, and its tokens."""

import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from sandbox.running import Running
from sandbox.salesforce import CONSUMER_KEY, FILE_NAME, INTEGRATION_ADDRESS, private_key
from tests.sandbox.salesforce.client import ANNA, GRACE, ROOT

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def ask(sandbox: Running, key: Any = None, **changed: Any) -> httpx.Response:
    claims = {"iss": CONSUMER_KEY, "sub": ANNA, "aud": sandbox.url, "exp": int(time.time()) + 180}
    assertion = jwt.encode({**claims, **changed}, key or private_key(sandbox.world), "RS256")
    form = {"grant_type": GRANT, "assertion": assertion}
    return httpx.post(f"{sandbox.url}/services/oauth2/token", data=form)


def test_gives_a_token_that_speaks_for_the_user(fresh_sandbox: Running) -> None:
    answer = ask(fresh_sandbox)
    assert answer.status_code == 200
    grant = answer.json()
    assert grant["instance_url"] == fresh_sandbox.url
    assert grant["token_type"] == "Bearer"
    headers = {"Authorization": f"Bearer {grant['access_token']}"}
    me = httpx.get(f"{fresh_sandbox.url}/services/oauth2/userinfo", headers=headers).json()
    assert me["email"] == ANNA
    assert grant["id"].endswith(me["user_id"])


def test_the_app_may_speak_for_itself(fresh_sandbox: Running) -> None:
    assert ask(fresh_sandbox, sub=INTEGRATION_ADDRESS).status_code == 200


@pytest.mark.parametrize(
    ("changed", "error", "description"),
    [
        ({"sub": GRACE}, "invalid_grant", "user hasn't approved this consumer"),
        ({"sub": "nobody@x.example"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"aud": "https://elsewhere.example"}, "invalid_grant", "audience is invalid"),
        ({"exp": 1_000_000}, "invalid_grant", "expired authorization code"),
        ({"exp": int(time.time()) + 86_400}, "invalid_grant", "invalid assertion"),
        ({"iss": "someone else"}, "invalid_client_id", "client identifier invalid"),
    ],
)
def test_refuses_assertions(
    fresh_sandbox: Running, changed: dict[str, Any], error: str, description: str
) -> None:
    answer = ask(fresh_sandbox, **changed)
    assert answer.status_code == 400
    assert answer.json() == {"error": error, "error_description": description}


def test_refuses_another_key_and_other_grants(fresh_sandbox: Running) -> None:
    foreign = generate_private_key(public_exponent=65537, key_size=2048)
    assert ask(fresh_sandbox, foreign).json()["error_description"] == "invalid assertion"
    url = f"{fresh_sandbox.url}/services/oauth2/token"
    assert httpx.post(url, data={"grant_type": "password"}).json() == {
        "error": "unsupported_grant_type",
        "error_description": "grant type not supported",
    }


def test_the_admin_may_withhold_approval_or_switch_a_user_off(fresh_sandbox: Running) -> None:
    fresh_sandbox.configure_salesforce(consumerApproved=False)
    assert ask(fresh_sandbox).json()["error_description"] == "user hasn't approved this consumer"
    fresh_sandbox.configure_salesforce(consumerApproved=True, inactiveUsers=[ANNA])
    assert ask(fresh_sandbox).json()["error"] == "inactive_user"


def test_usernames_may_differ_from_addresses(fresh_sandbox: Running) -> None:
    fresh_sandbox.configure_salesforce(usernames={ANNA: "anna@contoso.crm"})
    assert ask(fresh_sandbox).status_code == 400
    assert ask(fresh_sandbox, sub="Anna@contoso.CRM").status_code == 200


def test_takes_the_expiry_as_text(fresh_sandbox: Running) -> None:
    assert ask(fresh_sandbox, exp=f"{time.time() + 100:.0f}").status_code == 200


def test_the_private_key_lies_in_the_data_folder(sandbox: Running) -> None:
    assert Path(sandbox.ca).with_name(FILE_NAME).read_text() == private_key(sandbox.world)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x!y.z", "Basic abc"])
def test_refuses_what_is_no_token_of_its_own(fresh_sandbox: Running, header: str) -> None:
    answer = httpx.get(
        f"{fresh_sandbox.url}{ROOT}/limits", headers={"Authorization": header} if header else {}
    )
    assert answer.status_code == 401
    expected = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    assert answer.json() == expected


def test_tokens_stay_good_over_a_reset(fresh_sandbox: Running) -> None:
    headers = {"Authorization": f"Bearer {fresh_sandbox.token(ANNA, 'salesforce')}"}
    fresh_sandbox.reset()
    assert httpx.get(f"{fresh_sandbox.url}{ROOT}/limits", headers=headers).status_code == 200
