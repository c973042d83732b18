"""The same failing network as `broken_transport`, for a client that speaks by `requests`."""

from typing import Any

import httpx
import requests
from requests.adapters import BaseAdapter

from tests.faults.broken_transport import Fault

_ERRORS: dict[type[httpx.TransportError], type[requests.RequestException]] = {
    httpx.ReadTimeout: requests.ReadTimeout,
    httpx.ConnectError: requests.ConnectionError,
    httpx.RemoteProtocolError: requests.ConnectionError,
    httpx.ReadError: requests.exceptions.ChunkedEncodingError,
}


class BrokenAdapter(BaseAdapter):
    """As `BrokenTransport`."""

    def __init__(self, inner: BaseAdapter, fault: Fault | None, at: int, *, lasts: bool) -> None:
        super().__init__()
        self._inner = inner
        self._fault = fault
        self._at = at
        self._lasts = lasts
        self.calls = 0

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        self.calls += 1
        hit = self.calls >= self._at if self._lasts else self.calls == self._at
        if not hit or self._fault is None:
            return self._inner.send(request, *args, **options)
        if self._fault.done:
            self._inner.send(request, *args, **options)
        if self._fault.error is not None:
            raise _ERRORS[self._fault.error](self._fault.name, request=request)
        return _answer(self._fault, request)

    def close(self) -> None:
        self._inner.close()


def _answer(fault: Fault, request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code = fault.status or 500
    response.request = request
    response.url = request.url or ""
    response._content = b"<html>busy</html>"
    if fault.retry_after:
        response.headers["Retry-After"] = fault.retry_after
    return response
