"""Hello world with the libraries that a save can't do without: what they alone cost."""

import azure.functions as func

app = func.FunctionApp()


@app.function_name("hello")
@app.route("hello", auth_level=func.AuthLevel.ANONYMOUS)
async def hello(req: func.HttpRequest) -> func.HttpResponse:
    import azure.identity.aio  # noqa: F401
    import httpx
    import jwt  # noqa: F401
    import pydantic

    class _Model(pydantic.BaseModel):
        pass

    async with httpx.AsyncClient():
        return func.HttpResponse("hello")
