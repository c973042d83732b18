"""The HTTP side of a running host."""

import base64
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.sandbox.host.host_process import HERE, ROOT, RunningHost, StartHost, wait_until

APP = HERE / "app"
GUID = "7d0f6f4e-3b5c-4e7e-9a34-0c5d6a5b8c11"


@pytest.fixture(scope="module")
def host(start_host: StartHost) -> RunningHost:
    return start_host(APP)


@pytest.fixture
def client(host: RunningHost) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{host.url}/api") as client:
        yield client


def test_a_request_reaches_the_function_as_azure_would_hand_it_over(client: httpx.Client) -> None:
    answer = client.post(
        "/echo?a=1&a=2&empty=&b=%C3%A9",
        headers=[("X-Twice", "one"), ("x-twice", "two"), ("X-Empty", "")],
        content=b"\x00\xff",
    )
    seen = answer.json()
    assert seen["method"] == "POST"
    assert seen["url"].endswith("/api/echo?a=1&a=2&empty=&b=%C3%A9")
    assert seen["params"] == {"a": "1,2", "b": "é"}
    assert seen["headers"]["x-twice"] == "one,two"
    assert "x-empty" not in seen["headers"]
    assert base64.b64decode(seen["body"]) == b"\x00\xff"
    assert seen["function"] == "echo"
    assert len(seen["invocation"]) == 36


def test_a_trace_is_carried_on_or_begun(client: httpx.Client) -> None:
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert client.get("/echo", headers={"traceparent": given}).json()["trace"] == given
    assert len(client.get("/echo").json()["trace"]) == len(given)


def test_a_chunked_body_arrives_whole(client: httpx.Client) -> None:
    seen = client.post("/echo", content=(bytes([i]) * 70_000 for i in range(4))).json()
    assert len(base64.b64decode(seen["body"])) == 280_000


def test_a_compressed_body_is_left_to_the_function(client: httpx.Client) -> None:
    seen = client.post("/echo", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}).json()
    assert base64.b64decode(seen["body"]) == b"\x1f\x8b"


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/items/newest", {"by": "newest"}),
        (f"/items/{GUID}", {"by": "id", "id": GUID}),
        ("/items/some%20one", {"by": "name", "name": "some one"}),
        ("/counted/3", {"count": "3"}),
        ("/counted/3/kg", {"count": "3", "unit": "kg"}),
        ("/files/a/b.txt", {"rest": "a/b.txt"}),
    ],
)
def test_routes(client: httpx.Client, path: str, values: dict[str, str]) -> None:
    assert client.get(path).json() == values


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("POST", "/items/newest"),
        ("HEAD", "/items/newest"),
        ("OPTIONS", "/items/newest"),
        ("GET", "/counted/three"),
    ],
)
def test_what_fits_no_route_is_404_and_empty(client: httpx.Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.content) == (404, b"")


def test_a_path_outside_the_prefix_is_404(host: RunningHost) -> None:
    assert httpx.get(f"{host.url}/echo").status_code == 404


def test_a_function_without_methods_takes_each(client: httpx.Client) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert client.request(method, "/echo").json()["method"] == method


def test_sync_functions_run_on_threads(client: httpx.Client) -> None:
    answer = client.get("/thread")
    assert answer.text.startswith("function_")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_blocking_function_does_not_hold_up_another(client: httpx.Client) -> None:
    slow = threading.Thread(target=client.get, args=("/blocking/1.9",))
    slow.start()
    client.get("/echo").raise_for_status()
    assert slow.is_alive()
    slow.join()


def test_no_return_value_is_204(client: httpx.Client) -> None:
    assert client.post("/nothing").status_code == 204


def test_cookies_and_binary_bodies_pass(client: httpx.Client) -> None:
    answer = client.get("/cookies")
    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; HttpOnly"]
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-other"] == "yes"
    assert answer.content == bytes(range(256))


@pytest.mark.parametrize("path", ["/failing", "/wrong-type"])
def test_a_function_that_fails_answers_500_and_tells_nothing(
    client: httpx.Client, path: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.content) == (500, b"")


def test_a_failure_is_in_the_log(client: httpx.Client, host: RunningHost) -> None:
    client.get("/failing")
    wait_until(lambda: "RuntimeError: a secret detail" in host.log.read_text())


@pytest.mark.parametrize("path", ["/sleeping/20", "/blocking/10"])
def test_function_timeout_ends_an_invocation(client: httpx.Client, path: str) -> None:
    started = time.monotonic()
    assert client.get(path, timeout=120).status_code == 500
    assert 1.9 < time.monotonic() - started < 9


def test_a_request_over_the_limit_is_413(start_host: StartHost) -> None:
    host = start_host(APP, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="1000")
    assert httpx.post(f"{host.url}/api/echo", content=b"x" * 1000).status_code == 200
    assert httpx.post(f"{host.url}/api/echo", content=b"x" * 1001).status_code == 413


def test_keys_are_asked_for_with_enable_auth_only(
    client: httpx.Client, start_host: StartHost, tmp_path: Path
) -> None:
    assert client.get("/guarded").text == "function"
    assert client.get("/admin-only").text == "admin"

    host = start_host(APP, "--enableAuth", "--state", str(tmp_path))
    keys = json.loads((tmp_path / "keys.json").read_text())
    with httpx.Client(base_url=f"{host.url}/api") as asked:
        assert asked.get("/echo").status_code == 200
        assert asked.get("/guarded").status_code == 401
        assert asked.get("/guarded", params={"code": "wrong"}).status_code == 401
        assert asked.get("/guarded", params={"code": keys["function"]}).status_code == 200
        header = {"x-functions-key": keys["function"]}
        assert asked.get("/guarded", headers=header).status_code == 200
        assert asked.get("/admin-only", headers=header).status_code == 401
        header = {"x-functions-key": keys["master"]}
        assert asked.get("/admin-only", headers=header).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_running_requests_finish_and_takes_no_new_ones(
    start_host: StartHost, number: int
) -> None:
    host = start_host(APP)
    answers: list[httpx.Response] = []
    running = threading.Thread(
        target=lambda: answers.append(httpx.get(f"{host.url}/api/sleeping/1"))
    )
    running.start()
    wait_until(lambda: "Executing 'Functions.sleeping'" in host.log.read_text())
    assert host.stop(number) == 0
    running.join()
    assert answers[0].text == "slept"
    with pytest.raises(httpx.ConnectError):
        httpx.get(host.url)


@pytest.mark.parametrize("path", ["sleeping", "blocking"])
def test_what_outlasts_the_drain_time_is_cut_off(start_host: StartHost, path: str) -> None:
    host = start_host(APP, "--drain", "0.3")
    with socket.create_connection(("127.0.0.1", urlsplit(host.url).port or 0)) as connection:
        connection.sendall(f"GET /api/{path}/1.9 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        wait_until(lambda: f"Executing 'Functions.{path}'" in host.log.read_text())
        started = time.monotonic()
        assert host.stop() == 0
        assert time.monotonic() - started < 1.5


BROKEN = {
    "import nowhere_to_be_found\n": "No module named 'nowhere_to_be_found'",
    "import azure.functions as func\n": "exactly one function app, not 0",
    (
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.function_name('twice')\n@app.route('a')\n"
        "def a(req: func.HttpRequest) -> str: return ''\n"
        "@app.function_name('twice')\n@app.route('b')\n"
        "def b(req: func.HttpRequest) -> str: return ''\n"
    ): "does not have a unique function name",
    (
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.route('a')\n"
        "def a(request: func.HttpRequest) -> str: return ''\n"
    ): "its bindings need ['req']",
    (
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.route('{a}/{a}')\n"
        "def a(req: func.HttpRequest) -> str: return ''\n"
    ): "two parameters have one name",
    (
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.timer_trigger(arg_name='t', schedule='every day')\n"
        "def a(t: func.TimerRequest) -> None: return None\n"
    ): "not an NCRONTAB expression",
}


@pytest.mark.parametrize(("source", "reason"), BROKEN.items(), ids=range(len(BROKEN)))
def test_an_app_that_cannot_run_says_why_and_ends_with_1(
    tmp_path: Path, source: str, reason: str
) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(source)
    command = [sys.executable, "-m", "sandbox.host", "--app", str(tmp_path), "--port", "0"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert reason in ended.stderr
    assert "The app can't run: " in ended.stderr.splitlines()[-1]


def test_a_port_that_is_taken_is_named(host: RunningHost) -> None:
    port = str(urlsplit(host.url).port)
    command = [sys.executable, "-m", "sandbox.host", "--app", str(APP), "--port", port]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert f"Port {port} can't be used" in ended.stderr


def test_an_http_only_app_loads_no_storage_and_no_schedule_library(
    start_host: StartHost, tmp_path: Path
) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(
        "import sys\nimport azure.functions as func\napp = func.FunctionApp('ANONYMOUS')\n"
        "@app.route('modules')\n"
        "def modules(req: func.HttpRequest) -> str: return ' '.join(sys.modules)\n"
    )
    loaded = httpx.get(f"{start_host(tmp_path).url}/api/modules").text.split()
    assert "aiohttp" in loaded
    assert not {"azure.storage", "azure.core", "croniter", "sandbox.store"} & set(loaded)
