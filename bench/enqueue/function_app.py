"""The smallest function app that puts what it is sent on a queue: what receiving costs at least."""

import azure.functions as func

app = func.FunctionApp()


@app.function_name("enqueue")
@app.route("enqueue", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.queue_output(arg_name="queued", queue_name="bench", connection="AzureWebJobsStorage")
async def enqueue(req: func.HttpRequest, queued: func.Out[str]) -> func.HttpResponse:
    queued.set(req.get_body().decode())
    return func.HttpResponse(status_code=202)
