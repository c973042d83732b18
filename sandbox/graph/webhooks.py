"""Requests from the sandbox to the addresses that subscribers gave."""

import ssl
from functools import cache
from uuid import uuid4

import httpx

from sandbox.graph.errors import GraphError, bad_request


def client() -> httpx.AsyncClient:
    """Passes proxies by: subscribers are on this machine."""
    return httpx.AsyncClient(verify=_trust(), trust_env=False)


async def shake_hands(url: str, patience: float) -> None:
    """Asks the address to prove that it wants notifications. Raises GraphError 400.

    microsoft-graph-docs-contrib concepts/change-notifications-delivery-webhooks.md,
    "notificationUrl validation".
    """
    token = f"Validation: Testing client application reachability for subscription: {uuid4()}"
    target = httpx.URL(url).copy_merge_params({"validationToken": token})
    try:
        async with client() as http:
            headers = {"content-type": "text/plain; charset=utf-8"}
            answer = await http.post(target, headers=headers, timeout=patience)
    except httpx.TimeoutException:
        raise _failed("Subscription validation request timed out.") from None
    except httpx.TransportError:
        raise _failed("Subscription validation request failed. The endpoint is unreachable.") from (
            None
        )
    if answer.status_code != httpx.codes.OK:
        reason = answer.reason_phrase.replace(" ", "")
        raise _failed(
            f"Subscription validation request failed. HTTP status code is '{reason}'. "
            "Notification endpoint must respond with 200 OK to validation request."
        )
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "text/plain" or answer.text != token:
        raise _failed(
            "Subscription validation request failed. Response must exactly match "
            "validationToken query parameter."
        )


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _failed(message: str) -> GraphError:
    return bad_request(message, "ValidationError")
