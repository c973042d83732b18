"""Embeddings over the wire, asked of the sandbox by the official client."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.azure_openai import AUDIENCE, DEPLOYMENT
from sandbox.azure_openai.vectors import vector
from sandbox.entra import identity
from sandbox.running import Running
from shared import composition, health
from shared.embeddings import azure_openai
from shared.embeddings.azure_openai import AzureOpenAIEmbeddings
from shared.errors import Forbidden, ThreadlineError, Throttled, Unavailable, Upstream
from shared.identity_tokens import IdentityTokens
from shared.outbound import Sender
from shared.settings import settings
from suggest_links.meaning import cosine
from tests.deployment import Client, deployed

ROOT = Path(__file__).parents[3]
SECRET = "Zz-secret-of-the-mail"
ANNA = "anna.kowalska@contoso.example"


@pytest.fixture
def as_identity(fresh_sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """The machine's managed identity is the sandbox's."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{fresh_sandbox.url}{identity.PATH}")
    monkeypatch.setenv("IDENTITY_HEADER", identity.IDENTITY_HEADER)
    return fresh_sandbox


@pytest.fixture
async def model(as_identity: Running) -> AsyncIterator[AzureOpenAIEmbeddings]:
    opened = opened_for(as_identity)
    yield opened
    await opened.aclose()


def opened_for(
    sandbox: Running, deployment: str = DEPLOYMENT, sender: Sender | None = None
) -> AzureOpenAIEmbeddings:
    sender = sender or Sender()
    tokens = IdentityTokens(sender, identity.IDENTITY_CLIENT_ID)

    async def token(scope: str) -> str:
        assert scope == f"{AUDIENCE}/.default"
        return await tokens.token(scope, sender.errand(10))

    return AzureOpenAIEmbeddings(f"{sandbox.url}/", deployment, token)


async def test_each_text_gets_its_vector_in_one_round_trip(
    as_identity: Running, model: AzureOpenAIEmbeddings
) -> None:
    texts = ["Die Rechnung", "nothing of the kind", "the invoice", "日本語"]
    vectors = await model.embed(texts)
    assert [list(one) for one in vectors] == [pytest.approx(vector(text)) for text in texts]
    assert cosine(vectors[0], vectors[2]) > cosine(vectors[0], vectors[1]) + 0.2
    (call,) = as_identity.requests("openai")
    assert call["path"].startswith(f"/openai/deployments/{DEPLOYMENT}/embeddings?api-version=")


FAULTS: dict[str, tuple[dict[str, object], type[ThreadlineError]]] = {
    "throttled": ({"status": 429, "headers": {"Retry-After": "17"}}, Throttled),
    "down": ({"status": 503}, Unavailable),
    "broken": ({"drop": "before"}, Unavailable),
    "no right": ({"status": 401, "body": {"error": {"code": "401"}}}, Upstream),
    "moved": ({"status": 307, "headers": {"Location": "https://localhost:1/"}}, Upstream),
    "a page": ({"status": 200, "body": "<html>"}, Upstream),
    "other JSON": ({"status": 200, "body": {"data": [1]}}, Upstream),
    "nothing": ({"status": 200, "body": {"data": []}}, Upstream),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_goes_wrong_is_told_without_the_text_and_never_repeated(
    as_identity: Running, model: AzureOpenAIEmbeddings, fault: str
) -> None:
    how, expected = FAULTS[fault]
    as_identity.fault(service="openai", **how)
    with pytest.raises(expected) as told:
        await model.embed([SECRET])
    assert SECRET not in told.value.detail
    assert len(as_identity.requests("openai")) == 1
    if isinstance(told.value, Throttled):
        assert told.value.retry_after == 17.0


BAD_ANSWERS = {
    "one too few": [{"index": 0, "embedding": [1.0]}],
    "one twice": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}],
    "of two lengths": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}],
    "empty": [{"index": 0, "embedding": []}, {"index": 1, "embedding": []}],
}


@pytest.mark.parametrize("answer", BAD_ANSWERS)
async def test_vectors_that_fit_no_text_are_not_handed_on(
    as_identity: Running, model: AzureOpenAIEmbeddings, answer: str
) -> None:
    data = [{"object": "embedding", **one} for one in BAD_ANSWERS[answer]]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    body = {"object": "list", "data": data, "model": "m", "usage": usage}
    as_identity.fault(service="openai", status=200, body=body)
    with pytest.raises(Upstream):
        await model.embed(["a", "b"])


async def test_an_unknown_deployment_is_for_the_admin(as_identity: Running) -> None:
    model = opened_for(as_identity, "nowhere")
    with pytest.raises(Upstream) as told:
        await model.embed(["a"])
    assert "404" in told.value.detail
    await model.aclose()


async def test_without_a_token_nothing_is_sent(as_identity: Running) -> None:
    async def refused(scope: str) -> str:
        raise Forbidden("no")

    model = AzureOpenAIEmbeddings(as_identity.url, DEPLOYMENT, refused)
    with pytest.raises(Forbidden):
        await model.embed(["a"])
    assert as_identity.requests("openai") == []
    await model.aclose()


async def test_who_gives_up_takes_the_client_from_nobody(as_identity: Running) -> None:
    model = opened_for(as_identity)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await model.embed(["a"])
    assert len(await model.embed(["a"])) == 1
    await model.aclose()


async def test_nothing_sent_is_logged_even_at_the_lowest_level(
    model: AzureOpenAIEmbeddings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_LOG", "debug")
    with caplog.at_level(logging.DEBUG):
        await model.embed([SECRET])
    assert SECRET not in caplog.text


async def test_the_app_asks_and_says_what_came_of_it(
    as_identity: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """From the trigger to the wire: on, then failing, then off."""
    item = {"kind": "email", "id": _delivered(as_identity)}
    async with deployed(as_identity, monkeypatch):
        monkeypatch.setenv("THREADLINE_EMBEDDINGS_URL", as_identity.url)
        monkeypatch.setenv("THREADLINE_EMBEDDINGS_DEPLOYMENT", DEPLOYMENT)
        monkeypatch.setenv("THREADLINE_IDENTITY_CLIENT_ID", identity.IDENTITY_CLIENT_ID)
        monkeypatch.delenv("THREADLINE_CLIENT_SECRET")
        client = Client(as_identity.token(ANNA))
        await composition.caller(f"Bearer {as_identity.token(ANNA)}")
        model = composition.embeddings()
        assert model is composition.embeddings()
        assert model is not None
        await model.embed(["warm"])
        as_identity.fault(service="openai", status=500, times=1)
        with caplog.at_level(logging.INFO, "threadline"):
            plain = await client.suggest(**item)
            weighed = await client.suggest(**item)
    assert plain.status == weighed.status == 200
    assert len(plain.body["suggestions"]) > 1
    assert '"by_meaning": "unavailable"' in caplog.text
    assert '"by_meaning": "used"' in caplog.text
    assert len(as_identity.requests("openai")) == 3


def _delivered(sandbox: Running) -> str:
    company = sandbox.world.company
    account = next(a for a in company.accounts if a.name.startswith("Harbourline Logistics"))
    contact = next(c for c in company.contacts if c.account == account.id)
    source = (
        f"From: {contact.email}\r\nTo: {ANNA}\r\nSubject: Eine Frage\r\n"
        "Message-ID: <meaning@harbourline.example>\r\nDate: Mon, 16 Feb 2026 08:00:00 +0000\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\nWie steht es um die Geräte?\r\n"
    )
    return sandbox.deliver_mail(source.encode(), ANNA)


async def test_health_tells_that_the_library_is_missing(
    as_identity: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with deployed(as_identity, monkeypatch):
        check = health.checks()["settings"]
        assert not await check()
        monkeypatch.setenv("THREADLINE_EMBEDDINGS_URL", as_identity.url)
        monkeypatch.setenv("THREADLINE_EMBEDDINGS_DEPLOYMENT", DEPLOYMENT)
        settings.cache_clear()
        assert not await check()
        monkeypatch.setattr(azure_openai, "LIBRARY", "no_such_library")
        told = await check()
        assert told is not None
        assert "no_such_library" in told
        model = composition.embeddings()
        assert model is not None
        with pytest.raises(Upstream):
            await model.embed(["a"])


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"URL": "https://a.example"}, "need each other"),
        ({"DEPLOYMENT": "d"}, "need each other"),
        ({"URL": "http://a.example", "DEPLOYMENT": "d"}, "THREADLINE_EMBEDDINGS_URL"),
    ],
)
async def test_half_a_setting_or_an_unsafe_one_is_named(
    as_identity: Running, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], named: str
) -> None:
    async with deployed(as_identity, monkeypatch):
        for name, value in given.items():
            monkeypatch.setenv(f"THREADLINE_EMBEDDINGS_{name}", value)
        with pytest.raises(Unavailable) as told:
            composition.embeddings()
    assert named in told.value.detail


@pytest.mark.parametrize("on", [False, True])
def test_the_library_is_loaded_only_where_it_is_on(on: bool) -> None:
    script = (
        "import asyncio, sys, function_app\n"
        "from shared import composition, worker\n"
        "from suggest_links import suggesting\n"
        "async def main():\n"
        "    composition.embeddings()\n"
        "    await worker.close()\n"
        "asyncio.run(main())\n"
        "print(*sys.modules)"
    )
    chosen = {
        "THREADLINE_TENANTS": "t",
        "THREADLINE_CLIENT_ID": "c",
        "THREADLINE_DATAVERSE_URL": "https://localhost:1",
    }
    if on:
        chosen["THREADLINE_EMBEDDINGS_URL"] = "https://localhost:1"
        chosen["THREADLINE_EMBEDDINGS_DEPLOYMENT"] = "d"
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("THREADLINE_")} | chosen,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(run.stdout.split())
    assert ("openai" in loaded) is on
    assert ("shared.embeddings.azure_openai" in loaded) is on
