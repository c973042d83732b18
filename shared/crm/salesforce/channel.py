"""simple-salesforce in threads: the blocking client behind an awaitable call.

It is given what its source shows it to need: a pooled session of ours, time-outs for every call, a
token that we got ourselves. What comes back is the answer as it is, its headers included; errors
are told apart by our own code (`faults`), since simple-salesforce's exceptions drop the headers.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from shared.crm.salesforce.composite import VERSION, Reply

THREADS: Final = 16
"""Calls that one worker has under way at once; others wait for their turn."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call below the API's root. `json` is its body, or `parts` are those of a multipart one:
    by name the file name (None for text), the content and its type."""

    method: str
    path: str
    json: Any = None
    parts: Mapping[str, tuple[str | None, bytes, str]] | None = None


class NotAnswered(Exception):
    """No answer came; what was asked for may have been done or not."""


class Channel:
    """One for each worker. `root` is the organisation's address; `adapter` is there for tests."""

    def __init__(self, root: str, adapter: BaseAdapter | None = None) -> None:
        self._root = root
        self._session = _session(adapter)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="salesforce")

    async def send(
        self, request: Request, token: str, *, connect: float, read: float, correlation_id: str
    ) -> Reply:
        """The answer, whatever its status. Times are in seconds. Raises `NotAnswered`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, self._send, request, token, (connect, read), correlation_id
        )

    def close(self) -> None:
        """Ends the threads and the pooled connections; calls under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._session.close()

    def _send(
        self, request: Request, token: str, timeout: tuple[float, float], correlation_id: str
    ) -> Reply:
        client = Salesforce(
            session_id=token,
            instance_url=self._root,
            version=VERSION,
            session=self._session,
            object_pairs_hook=dict,
        )
        answers: list[requests.Response] = []
        headers: dict[str, Any] = {"X-PrettyPrint": None}
        if correlation_id:
            headers["x-correlation-id"] = correlation_id
        body: dict[str, Any] = {}
        if request.parts is not None:
            body["files"] = request.parts
            headers["Content-Type"] = None  # the multipart one, with its boundary
        elif request.json is not None:
            body["json"] = request.json
        try:
            parsed = client.restful(
                request.path,
                method=request.method,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,  # a redirect would carry the token to another host
                hooks={"response": lambda response, **_: answers.append(response)},
                **body,
            )
        except SalesforceError as refused:
            parsed = refused.content
        except requests.JSONDecodeError:
            parsed = None
        except requests.RequestException as broken:
            raise NotAnswered from broken
        headers = {name.lower(): value for name, value in answers[-1].headers.items()}
        return Reply(answers[-1].status_code, parsed, headers)


def _session(adapter: BaseAdapter | None) -> requests.Session:
    session = requests.Session()
    session.mount(
        "https://",
        adapter or HTTPAdapter(pool_connections=1, pool_maxsize=THREADS, pool_block=True),
    )
    # All callers share the session; no cookie or .netrc of one may speak for another.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.auth = lambda request: request
    return session
