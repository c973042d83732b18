"""The app set up against a running sandbox, inside the process of a test."""

import json
import os
import runpy
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import azure.functions as func
import pytest

import function_app
from sandbox.app_settings import app_settings
from sandbox.host.context import Output
from sandbox.running import Running
from shared import worker
from shared.settings import settings

# The app lets itself be indexed once; run as a script it is another one for everybody.
FUNCTIONS = runpy.run_path(function_app.__file__)["app"].get_functions()
"""The functions of the app."""

_HANDLERS = {function.get_function_name(): function.get_user_function() for function in FUNCTIONS}
_OUTPUTS = {
    function.get_function_name(): [
        binding.name for binding in function.get_bindings() if binding.type == "queue"
    ]
    for function in FUNCTIONS
}


@asynccontextmanager
async def deployed(
    sandbox: Running, patch: pytest.MonkeyPatch, crm: str = "dataverse"
) -> AsyncIterator[None]:
    """Within it, the app's settings are those of this sandbox and no others."""
    clear_settings(patch)
    wanted = app_settings(crm=crm, sandbox_url=sandbox.url, ca=sandbox.ca, storage="")
    for name, value in wanted.items():
        if name.startswith("THREADLINE_"):
            patch.setenv(name, value)
    try:
        yield
    finally:
        await worker.close()
        settings.cache_clear()


def clear_settings(patch: pytest.MonkeyPatch) -> None:
    """Forgets every setting of this app."""
    for name in list(os.environ):
        if name.startswith("THREADLINE_"):
            patch.delenv(name)
    settings.cache_clear()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]


class Client:
    """Calls the app's functions as the Functions host does, for one person."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def save(self, **fields: Any) -> Answer:
        return await self.call("save_activity", body=fields)

    async def find(self, **query: str) -> Answer:
        return await self.call("find_activity", query=query)

    async def edit(self, kind: str, id_: str, **fields: Any) -> Answer:
        return await self.call("edit_activity", path={"kind": kind, "id": id_}, body=fields)

    async def delete(self, kind: str, id_: str) -> Answer:
        return await self.call("delete_activity", path={"kind": kind, "id": id_})

    async def suggest(self, **item: str) -> Answer:
        return await self.call("suggest_links", body={"item": item})

    async def records(self, **query: str) -> Answer:
        return await self.call("search_records", query=query)

    async def form(self, **query: str) -> Answer:
        return await self.call("describe_form", query=query)

    async def call(
        self,
        name: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        path: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        content = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        authorization = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        outputs = {one: Output() for one in _OUTPUTS[name]}
        response = await _HANDLERS[name](
            func.HttpRequest(
                "POST",
                f"http://localhost:7071/api/{name}",
                headers={**authorization, **(headers or {})},
                params=query,
                route_params=path,
                body=content,
            ),
            **outputs,
        )
        return Answer(response.status_code, dict(response.headers), json.loads(response.get_body()))


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
