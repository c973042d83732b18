"""Embeddings of a model that the organisation has deployed in its own Azure OpenAI.

Texts go to the endpoint in the settings and nowhere else: no redirect is followed, nothing is
logged. The official client is an optional dependency of some 27 MB, and importing it takes up to a
second of CPU time, so that happens in a thread, once it is known to be needed.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from math import isfinite
from typing import TYPE_CHECKING

from shared.errors import ThreadlineError, Throttled, Unavailable, Upstream
from shared.outbound import retry_after

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncAzureOpenAI

# The newest generally available one:
# https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference
API_VERSION = "2024-10-21"
SCOPE = "https://cognitiveservices.azure.com/.default"
"""The identity needs the role "Cognitive Services OpenAI User":
https://learn.microsoft.com/en-us/azure/ai-foundry/openai/how-to/role-based-access-control"""

_TIMEOUT = 5.0  # seconds; who asks gives up far sooner
_REST = 30.0
LIBRARY = "openai"
_CHATTY = (LIBRARY, "httpx2", "httpcore2")
"""At DEBUG they log the texts."""


def library_is_there() -> bool:
    """Whether this deployment has the client; doesn't import it."""
    return find_spec(LIBRARY) is not None


class AzureOpenAIEmbeddings:
    """Implements `shared.ports.Embeddings`; one for each worker, made on its event loop.

    `token` gives an access token for a scope. The client begins to load at once: who makes this
    first asks a mailbox and a CRM.
    """

    def __init__(
        self, endpoint: str, deployment: str, token: Callable[[str], Awaitable[str]]
    ) -> None:
        self._endpoint = endpoint
        self._deployment = deployment
        self._token = token
        self._loading = asyncio.ensure_future(asyncio.to_thread(self._open))

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """See `Embeddings`. Raises `Upstream` where the client isn't installed, where the service
        refuses, or where it answers what makes no sense."""
        client = await asyncio.shield(self._loading)  # who gives up doesn't end it for others
        if client is None:
            raise Upstream("Embeddings are on, but this deployment lacks the library for them.")
        from openai import APIConnectionError, APIStatusError, OpenAIError

        try:
            answer = await client.embeddings.create(
                input=list(texts), model=self._deployment, encoding_format="float"
            )
        except APIStatusError as error:
            raise _refusal(error) from None
        except APIConnectionError:
            raise Unavailable("The embeddings do not answer.") from None
        except (OpenAIError, ValueError):  # what isn't as described, or no JSON
            raise _nonsense() from None
        data = sorted(answer.data, key=lambda one: one.index)
        vectors = [one.embedding for one in data]
        if [one.index for one in data] != list(range(len(texts))) or not _are_sound(vectors):
            raise _nonsense()
        return vectors

    async def aclose(self) -> None:
        """Closes the pooled connections."""
        client = await self._loading
        if client is not None:
            await client.close()

    def _open(self) -> "AsyncAzureOpenAI | None":
        """None where it isn't installed."""
        if not library_is_there():
            return None
        from openai import AsyncAzureOpenAI, DefaultAsyncHttpxClient

        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)

        async def token() -> str:
            return await self._token(SCOPE)

        return AsyncAzureOpenAI(
            azure_endpoint=self._endpoint,
            azure_deployment=self._deployment,
            api_version=API_VERSION,
            azure_ad_token_provider=token,
            max_retries=0,
            timeout=_TIMEOUT,
            http_client=DefaultAsyncHttpxClient(
                follow_redirects=False,  # it would carry the texts elsewhere
                verify=ssl.create_default_context(),
            ),
            _strict_response_validation=True,  # else a page of HTML passes for an answer
        )


def _are_sound(vectors: Sequence[Sequence[float]]) -> bool:
    lengths = {len(one) for one in vectors}
    return (
        len(lengths) == 1
        and 0 not in lengths
        and all(isfinite(value) for one in vectors for value in one)
    )


def _refusal(error: "APIStatusError") -> ThreadlineError:
    """Its own words may quote the texts."""
    if error.status_code == 429:
        asked = retry_after(error.response.headers, datetime.now(UTC))
        return Throttled("The embeddings are asked for too often.", retry_after=asked or _REST)
    if error.status_code >= 500:
        return Unavailable("The embeddings are not available.")
    return Upstream(f"The embeddings were refused ({error.status_code}).")


def _nonsense() -> Upstream:
    return Upstream("The embeddings' answer makes no sense.")
