"""A function app that has one function for each thing the host must do."""

import asyncio
import base64
import json
import threading
import time
from typing import List  # noqa: UP035  # Azure's worker refuses Out[list[str]]

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
storage = func.Blueprint()

STORAGE = "AzureWebJobsStorage"


def _json(value: object) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(value), mimetype="application/json")


@app.function_name("echo")
@app.route("echo")
async def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return _json(
        {
            "method": req.method,
            "url": req.url,
            "headers": dict(req.headers),
            "params": dict(req.params),
            "body": base64.b64encode(req.get_body()).decode(),
            "function": context.function_name,
            "invocation": context.invocation_id,
            "trace": context.trace_context.trace_parent,
        }
    )


@app.function_name("item_by_name")
@app.route("items/{name}", methods=["GET", "DELETE"])
async def item_by_name(req: func.HttpRequest) -> func.HttpResponse:
    return _json({"by": "name", **req.route_params})


@app.function_name("item_by_id")
@app.route("items/{id:guid}", methods=["GET"])
async def item_by_id(req: func.HttpRequest) -> func.HttpResponse:
    return _json({"by": "id", **req.route_params})


@app.function_name("newest_item")
@app.route("items/newest", methods=["GET"])
async def newest_item(req: func.HttpRequest) -> func.HttpResponse:
    return _json({"by": "newest"})


@app.function_name("counted")
@app.route("counted/{count:int}/{unit?}", methods=["GET"])
async def counted(req: func.HttpRequest) -> func.HttpResponse:
    return _json(dict(req.route_params))


@app.function_name("files")
@app.route("files/{*rest}", methods=["GET"])
async def files(req: func.HttpRequest) -> func.HttpResponse:
    return _json(dict(req.route_params))


@app.function_name("on_thread")
@app.route("thread", methods=["GET"])
def on_thread(req: func.HttpRequest) -> str:
    return threading.current_thread().name


@app.function_name("nothing")
@app.route("nothing", methods=["POST"])
async def nothing(req: func.HttpRequest):  # type: ignore[no-untyped-def]
    return None


@app.function_name("cookies")
@app.route("cookies", methods=["GET"])
async def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(bytes(range(256)), mimetype="application/octet-stream")
    response.headers.add("Set-Cookie", "a=1; Path=/")
    response.headers.add("Set-Cookie", "b=2; HttpOnly")
    response.headers.add("x-other", "yes")
    return response


@app.function_name("failing")
@app.route("failing", methods=["GET"])
async def failing(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError("a secret detail")


@app.function_name("wrong_type")
@app.route("wrong-type", methods=["GET"])
async def wrong_type(req: func.HttpRequest):  # type: ignore[no-untyped-def]
    return {"not": "a response"}


@app.function_name("guarded")
@app.route("guarded", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
async def guarded(req: func.HttpRequest) -> str:
    return "function"


@app.function_name("admin_only")
@app.route("admin-only", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
async def admin_only(req: func.HttpRequest) -> str:
    return "admin"


@app.function_name("sleeping")
@app.route("sleeping/{seconds}", methods=["GET"])
async def sleeping(req: func.HttpRequest) -> str:
    await asyncio.sleep(float(req.route_params["seconds"]))
    return "slept"


@app.function_name("blocking")
@app.route("blocking/{seconds}", methods=["GET"])
def blocking(req: func.HttpRequest) -> str:
    time.sleep(float(req.route_params["seconds"]))
    return "blocked"


@storage.function_name("enqueue")
@storage.route("enqueue/{queue}", methods=["POST"])
@storage.queue_output(arg_name="jobs", queue_name="%JOBS_QUEUE%", connection=STORAGE)
@storage.queue_output(arg_name="refused", queue_name="Not_A_Queue_Name", connection=STORAGE)
async def enqueue(
    req: func.HttpRequest,
    jobs: func.Out[List[str]],  # noqa: UP006
    refused: func.Out[str],
) -> func.HttpResponse:
    if req.route_params["queue"] == "refused":
        refused.set("x")
    else:
        jobs.set([req.get_body().decode()] * int(req.params.get("times", "1")))
    return func.HttpResponse(status_code=202)


@storage.function_name("work")
@storage.queue_trigger(arg_name="job", queue_name="%JOBS_QUEUE%", connection=STORAGE)
@storage.queue_output(arg_name="$return", queue_name="done", connection=STORAGE)
@storage.queue_output(arg_name="refused", queue_name="Not_A_Queue_Name", connection=STORAGE)
async def work(job: func.QueueMessage, refused: func.Out[str]) -> str:
    order = json.loads(job.get_body())
    await asyncio.sleep(order.get("sleep", 0))
    if order.get("fail_until", 0) > (job.dequeue_count or 0):
        raise RuntimeError("not yet")
    if order.get("bad_output"):
        refused.set("x")
    return json.dumps({"name": order["name"], "tries": job.dequeue_count, "id": job.id})


app.register_functions(storage)
