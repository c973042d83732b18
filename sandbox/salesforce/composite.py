"""`/composite`, `/composite/graph` and `/composite/batch`: several requests in one.

REST API Developer Guide, "Composite Resources".
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.salesforce import errors
from sandbox.salesforce.references import in_body, in_url
from sandbox.salesforce.session import Call, Reply, Session
from sandbox.salesforce.shapes import body_of, objects_in, text_in

MAX_PARTS, MAX_HEAVY = 25, 5
MAX_GRAPHS, MAX_NODES = 75, 500
_ROOT = "/services/data/"
_METHODS = frozenset(("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"))
_PASSED_ON = frozenset(("authorization", "content-type", "content-length"))

Answer = Callable[[Session, Call], Reply]
_Part = Mapping[str, Any]


class _Halted(Exception):
    """Leaves the transaction of a composite that failed as a whole."""


def composite(session: Session, call: Call, answer: Answer) -> Reply:
    body = body_of(call)
    parts = _parts(body.get("compositeRequest"), MAX_PARTS)
    heavy = sum(_is_heavy(part) for part in parts)
    if heavy > MAX_HEAVY:
        raise errors.bad_input(
            f"Limit of {MAX_HEAVY} reached for query and collection operations in a composite."
        )
    whole = body.get("allOrNone") is True
    answers, _ = _run(session, call, parts, answer, whole=whole)
    return Reply(200, {"compositeResponse": answers})


def graph(session: Session, call: Call, answer: Answer) -> Reply:
    graphs = objects_in(body_of(call).get("graphs"), "graphs")
    if len(graphs) > MAX_GRAPHS:
        raise errors.bad_input(f"Up to {MAX_GRAPHS} graphs are expected.")
    answered = []
    for one in graphs:
        parts = _parts(one.get("compositeRequest"), MAX_NODES)
        answers, successful = _run(session, call, parts, answer, whole=True)
        answered.append(
            {
                "graphId": one.get("graphId"),
                "graphResponse": {"compositeResponse": answers},
                "isSuccessful": successful,
            }
        )
    return Reply(200, {"graphs": answered})


def batch(session: Session, call: Call, answer: Answer) -> Reply:
    body = body_of(call)
    requests = objects_in(body.get("batchRequests"), "batchRequests")
    if len(requests) > MAX_PARTS:
        raise errors.bad_input(f"Up to {MAX_PARTS} requests are expected.")
    results: list[dict[str, Any]] = []
    halted = False
    for request in requests:
        if halted:
            entry = errors.Refused(
                412, "BATCH_PROCESSING_HALTED", "Batch processing halted"
            ).entry()
            results.append({"statusCode": 412, "result": [entry]})
            continue
        url = _ROOT + str(request.get("url", "")).removeprefix(_ROOT).lstrip("/")
        part = {"method": request.get("method"), "url": url, "body": request.get("richInput")}
        reply = answer(*_target(session, call, part, {}))
        halted = body.get("haltOnError") is True and reply.status >= 400
        results.append({"statusCode": reply.status, "result": reply.body})
    failed = any(result["statusCode"] >= 400 for result in results)
    return Reply(200, {"hasErrors": failed, "results": results})


def _parts(parts: Any, limit: int) -> list[_Part]:
    checked = objects_in(parts, "compositeRequest")
    if len(checked) > limit:
        raise errors.bad_input(f"Limit of {limit} reached for subrequests in a composite.")
    seen: set[str] = set()
    for part in checked:
        name = text_in(part.get("referenceId"), "referenceId")
        text_in(part.get("url"), "url")
        if text_in(part.get("method"), "method") not in _METHODS:
            raise errors.bad_input(f"Invalid method in subrequest: {name}")
        if name in seen:
            raise errors.bad_input(f"Duplicate referenceId: {name}")
        seen.add(name)
    return checked


def _is_heavy(part: _Part) -> bool:
    path = urlsplit(part["url"]).path.removeprefix(_ROOT).split("/")[1:]
    return path[:1] in (["query"], ["queryAll"]) or path[:2] == ["composite", "sobjects"]


def _run(
    session: Session, call: Call, parts: list[_Part], answer: Answer, *, whole: bool
) -> tuple[list[dict[str, Any]], bool]:
    """The answers in the order of the parts, and whether all of them succeeded."""
    session = replace(session, all_or_none=whole)
    if not whole:
        answers, failed = _each(session, call, parts, answer, stop=False)
        return answers, failed is None
    try:
        with session.world.store.transaction():
            answers, failed = _each(session, call, parts, answer, stop=True)
            if failed is not None:
                raise _Halted
    except _Halted:
        assert failed is not None
        halted = Reply(400, [errors.halted().entry()])
        return [
            answers[failed] if i == failed else _shown(part, halted) for i, part in enumerate(parts)
        ], False
    return answers, True


def _each(
    session: Session, call: Call, parts: list[_Part], answer: Answer, *, stop: bool
) -> tuple[list[dict[str, Any]], int | None]:
    """The answers so far, and the index of the first failure."""
    shown: list[dict[str, Any]] = []
    bodies: dict[str, Any] = {}
    first_failure: int | None = None
    for i, part in enumerate(parts):
        try:
            reply = answer(*_target(session, call, part, bodies))
        except errors.Refused as error:
            reply = Reply(error.status, [error.entry()])
        shown.append(_shown(part, reply))
        if reply.status < 400:
            bodies[part["referenceId"]] = reply.body
        if reply.status >= 400 or reply.failed:
            first_failure = i if first_failure is None else first_failure
            if stop:
                break
    return shown, first_failure


def _shown(part: _Part, reply: Reply) -> dict[str, Any]:
    return {
        "body": reply.body,
        "httpHeaders": dict(reply.headers),
        "httpStatusCode": reply.status,
        "referenceId": part["referenceId"],
    }


def _target(
    session: Session, call: Call, part: _Part, bodies: Mapping[str, Any]
) -> tuple[Session, Call]:
    """What one part asks for. Raises Refused."""
    url = urlsplit(in_url(part["url"], bodies))
    if not url.path.startswith(_ROOT):
        raise errors.not_found()
    version, *path = url.path.removeprefix(_ROOT).strip("/").split("/")
    if version != session.version:
        raise errors.bad_input("All subrequests must use the API version of the composite.")
    own = part.get("httpHeaders")
    headers = {k: v for k, v in call.headers.items() if k in _PASSED_ON}
    if isinstance(own, dict):
        headers |= {k.lower(): str(v) for k, v in own.items()}
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    segments = tuple(unquote(segment) for segment in path)
    body = in_body(part.get("body"), bodies)
    return session, Call(str(part["method"]), segments, query, headers, body)
