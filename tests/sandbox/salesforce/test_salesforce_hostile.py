"""Nothing that a client may send makes the Salesforce stand-in fail instead of refusing."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import salesforce
from sandbox.salesforce.access import caller_of
from sandbox.salesforce.dispatch import answer
from sandbox.salesforce.org import org_of
from sandbox.salesforce.rows import rows_of
from sandbox.salesforce.session import Call, Session
from sandbox.sample import company
from sandbox.store import Store
from sandbox.world import World
from tests.sandbox.salesforce.client import ANNA, ROOT

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=()), max_size=20),
    st.sampled_from(["", "@{a.b}", "@{", "2026-13-01", "9999-12-31T23:59:59-23:59", "x" * 300]),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.text(max_size=5), inner, max_size=3), max_leaves=6)  # fmt: skip


@pytest.fixture(scope="module")
def session() -> Session:
    world = World(Store(None), company(), "https://localhost:1")
    salesforce.seed(world)
    caller = caller_of(world, f"Bearer {salesforce.issue_token(world, ANNA)}")
    org = org_of(world)
    return Session(world, rows_of(world), org, org.schema_, caller, "v64.0")


def harmless(session: Session, method: str, path: str, query: dict[str, str], body: Any) -> None:
    reply = answer(session, Call(method, tuple(path.split("/")), query, {}, body))
    assert reply.status < 500 or reply.body[0]["errorCode"] == "UNSUPPORTED"
    json.dumps(reply.body)


@st.composite
def requests(draw: st.DrawFn, objects: Any) -> tuple[str, str, dict[str, str], Any]:
    object_ = draw(st.sampled_from(sorted(objects)))
    names = [*sorted(objects[object_].fields), "EventWhoIds", "ToIds", "attributes"]
    row = draw(st.dictionaries(st.sampled_from(names), values, max_size=4))
    record = {"attributes": {"type": object_}, **row}
    part = {"referenceId": draw(values), "method": "POST", "url": f"{ROOT}/sobjects/{object_}"}
    body = draw(
        st.sampled_from(
            [
                row,
                {"records": [record, draw(values)]},
                {"ids": draw(values), "fields": draw(values)},
                {"compositeRequest": [{**part, "body": row, "httpHeaders": draw(values)}]},
                {"graphs": draw(values), "batchRequests": draw(values)},
                {"q": draw(values), "sobjects": [{"name": object_, "where": draw(values)}]},
                draw(values),
            ]
        )
    )
    text = str(draw(scalars))
    path = draw(
        st.sampled_from(
            [
                f"sobjects/{object_}",
                f"sobjects/{object_}/{text}",
                f"sobjects/{object_}/Threadline_Key__c/{text}",
                "composite/sobjects",
                f"composite/sobjects/{object_}",
                "composite",
                "composite/graph",
                "composite/batch",
                "parameterizedSearch",
            ]
        )
    )
    method = draw(st.sampled_from(["GET", "POST", "PATCH", "DELETE"]))
    return method, path, {"q": text, "ids": text, "fields": text}, body


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_hostile_requests_are_refused(session: Session, data: st.DataObject) -> None:
    method, path, query, body = data.draw(requests(session.schema.objects))
    harmless(session, method, path, query, body)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_hostile_queries_are_refused(session: Session, data: st.DataObject) -> None:
    words = st.sampled_from(
        ["SELECT", "Id", ",", "Name", "(", ")", "FROM", "Contact", "Contacts", "WHERE", "=", "LIKE",
         "'a%'", "'\\x'", "IN", "NOT", "AND", "OR", "null", "5", "2026-01-01", "ORDER BY", "LIMIT",
         "count()", "FIND", "{a b}", "RETURNING", ".", "--", ";", "\x00"]
    )  # fmt: skip
    text = " ".join(data.draw(st.lists(words, max_size=12)))
    harmless(session, "GET", "query", {"q": text}, None)
    harmless(session, "GET", "search", {"q": text}, None)
