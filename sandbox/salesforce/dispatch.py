"""From one request to the resource that answers it."""

from collections.abc import Callable, Mapping

from sandbox.salesforce import collections, composite, errors, limits, queries, search, sobjects
from sandbox.salesforce.session import Call, Reply, Session

_Resource = Callable[[Session, Call], Reply]


def answer(session: Session, call: Call) -> Reply:
    """Does one request, all of it or nothing; a refusal becomes its error reply."""
    try:
        with session.world.store.transaction():
            return _perform(session, call)
    except errors.Refused as error:
        return Reply(error.status, [error.entry()])


def _perform(session: Session, call: Call) -> Reply:
    if not call.path:
        return Reply(200, {name: f"{session.root}/{name}" for name in RESOURCES})
    if call.path[0] == "composite":
        return _composite(session, call)
    resource = RESOURCES.get(call.path[0])
    if resource is None:
        raise errors.not_found()
    return resource(session, call)


def _composite(session: Session, call: Call) -> Reply:
    kind = call.path[1] if len(call.path) > 1 else ""
    if kind == "sobjects":
        return collections.collection(session, call)
    several = {"": composite.composite, "graph": composite.graph, "batch": composite.batch}
    if kind not in several or len(call.path) > 2:
        raise errors.not_found()
    if call.method != "POST":
        raise errors.method_not_allowed(call.method)
    return several[kind](session, call, answer)


RESOURCES: Mapping[str, _Resource] = {
    "sobjects": sobjects.sobjects,
    "query": queries.query,
    "queryAll": queries.query,
    "search": search.search,
    "parameterizedSearch": search.parameterized,
    "limits": limits.limits,
    "composite": _composite,
}
