"""What all handles under `/sandbox/` do alike: reading a body, refusing what makes no sense."""

from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Handler = Callable[[Request], Awaitable[Response]]
_Model = TypeVar("_Model", bound=BaseModel)


class Refused(Exception):
    """The call makes no sense; `status` is 400, 404, 409 or 422."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def route(method: Literal["GET", "POST", "PATCH", "DELETE"], path: str, handler: Handler) -> Route:
    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return JSONResponse({"error": refused.detail}, refused.status)

    return Route(path, guarded, methods=[method])


async def read(request: Request, model: type[_Model]) -> _Model:
    """Raises Refused 400 for what is no JSON, 422 for JSON that isn't as it should be."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        malformed = any(e["type"] == "json_invalid" for e in error.errors())
        raise Refused(400 if malformed else 422, _plain(error)) from None


def _plain(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()
    )
