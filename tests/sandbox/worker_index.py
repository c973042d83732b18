"""Run by a Python that Azure's own worker library supports: indexes the app in this folder with it.

`python worker_index.py FOLDER FUNCTION URL` prints one JSON object: the functions that the worker
found, and what it makes of one GET of the HTTP function FUNCTION.
"""

import asyncio
import json
import sys
from types import SimpleNamespace

import azure_functions_runtime as runtime
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.native_invocation import invocation_request_native


class Protos:
    """Stands for the worker's protobuf messages: each is its fields."""

    class StatusResult(SimpleNamespace):
        Failure, Success = 0, 1

    class BindingInfo(SimpleNamespace):
        inout, out, undefined = 2, 1, -1

    def __getattr__(self, name: str) -> type[SimpleNamespace]:
        return type(name, (SimpleNamespace,), {})


def request(**parts: object) -> SimpleNamespace:
    properties = {"host": "127.0.0.1", "protos": Protos()}
    return SimpleNamespace(properties=properties, request=SimpleNamespace(**parts))


async def main(folder: str, function: str, url: str) -> None:
    sys.path.insert(0, folder)
    init = SimpleNamespace(capabilities={}, function_app_directory=folder)
    begun = await runtime.worker_init_request(request(worker_init_request=init))
    if begun.result.status != Protos.StatusResult.Success:
        sys.exit(f"the worker refuses the app: {begun.result.exception}")
    listed = await runtime.functions_metadata_request(request())
    functions = {one.name: one for one in listed.function_metadata_results}
    text = {"method": "GET", "url": url}
    http = {name: Datum(value, "string") for name, value in text.items()}
    http |= {"headers": {}, "query": {}, "params": {}, "body": Datum(b"", "bytes")}
    ok, answer, _, fault, _ = await invocation_request_native(
        "00000000-0000-0000-0000-000000000000",
        functions[function].function_id,
        [("req", Datum(http, "http"))],
        {},
    )
    if not ok:
        sys.exit(f"the worker's invocation failed: {fault}")
    bindings = {
        name: sorted(json.loads(raw)["type"] for raw in one.raw_bindings)
        for name, one in functions.items()
    }
    status = answer.value["status_code"].value
    body = answer.value["body"].value.decode()
    print(json.dumps({"functions": bindings, "status": status, "body": body}))


if __name__ == "__main__":
    runtime.start_threadpool_executor()
    asyncio.run(main(*sys.argv[1:]))
    runtime.stop_threadpool_executor()
