"""The smallest function app: what any cold start costs."""

import azure.functions as func

app = func.FunctionApp()


@app.function_name("hello")
@app.route("hello", auth_level=func.AuthLevel.ANONYMOUS)
async def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("hello")
