"""`$batch` bodies as the vendor's samples show them, and nothing that could break out of them."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.crm.dataverse.batch import (
    Changeset,
    Get,
    Part,
    Reply,
    Write,
    build,
    content_type,
    patch,
    read,
)

ROOT = "https://org.example/api/data/v9.2/"

# Retyped from Microsoft Learn, "Execute batch operations using the Web API".
CHANGESET_RESPONSE = """\
--batchresponse_f27ef42d
Content-Type: multipart/mixed; boundary=changesetresponse_64cc3fff

--changesetresponse_64cc3fff
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

HTTP/1.1 204 No Content
OData-Version: 4.0
OData-EntityId: https://org.example/api/data/v9.2/tasks(e73ffc82-e292-ed11-aad1-000d3a9933c9)


--changesetresponse_64cc3fff
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 2

HTTP/1.1 204 No Content
OData-Version: 4.0


--changesetresponse_64cc3fff--
--batchresponse_f27ef42d
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 200 OK
Content-Type: application/json; odata.metadata=minimal
OData-Version: 4.0

{
  "value": [
    {"@odata.etag": "W/\\"77181173\\"", "subject": "Zażółć 1 in batch"}
  ]
}
--batchresponse_f27ef42d--
"""
ERROR_RESPONSE = """\
--batchresponse_156da4b8
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 400 Bad Request
REQ_ID: 5ecd1cb3-1730-4ffc-909c-d44c22270026
Content-Type: application/json; odata.metadata=minimal
OData-Version: 4.0

{"error":{"code":"0x80044331","message":"A validation error occurred."}}
--batchresponse_156da4b8--
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_the_vendors_samples_are_read(ends: str) -> None:
    type_ = "multipart/mixed; boundary=batchresponse_f27ef42d"
    replies = read(type_, CHANGESET_RESPONSE.replace("\n", ends).encode())
    assert [reply.status for reply in replies] == [204, 204, 200]
    assert replies[0].headers["odata-entityid"].endswith("(e73ffc82-e292-ed11-aad1-000d3a9933c9)")
    assert replies[1].json == {}
    assert replies[2].json["value"][0]["subject"] == "Zażółć 1 in batch"
    type_ = "multipart/mixed; boundary=batchresponse_156da4b8"
    (refused,) = read(type_, ERROR_RESPONSE.replace("\n", ends).encode())
    assert not refused.ok
    assert refused.json["error"]["code"] == "0x80044331"


@pytest.mark.parametrize(
    ("type_", "content"),
    [
        ("application/json", b"{}"),
        ("text/html", b"<html>"),
        ("multipart/mixed; boundary=x", b""),
        (
            "multipart/mixed; boundary=x",
            b"--x\r\nContent-Type: application/http\r\n\r\nnope\r\n--x--",
        ),
    ],
)
def test_anything_else_is_refused(type_: str, content: bytes) -> None:
    with pytest.raises(ValueError, match="not a batch response"):
        read(type_, content)


def test_a_batch_is_built_as_the_vendor_shows_it() -> None:
    parts: list[Part] = [
        Changeset(
            (Write("POST", "emails", {"subject": "a"}), patch("emails(1)", {"statecode": 1}))
        ),
        Get("emails(1)?$select=subject"),
    ]
    body = build(parts, ROOT, "b", "odata.x").decode()
    assert body == (
        "--batch_b\r\n"
        "Content-Type: multipart/mixed; boundary=changeset_b_0\r\n\r\n"
        "--changeset_b_0\r\n"
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n"
        f"\r\nPOST {ROOT}emails HTTP/1.1\r\nAccept: application/json\r\n"
        'Content-Type: application/json; type=entry\r\n\r\n{"subject": "a"}\r\n'
        "--changeset_b_0\r\n"
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 2\r\n"
        f"\r\nPATCH {ROOT}emails(1) HTTP/1.1\r\nAccept: application/json\r\nIf-Match: *\r\n"
        'Content-Type: application/json; type=entry\r\n\r\n{"statecode": 1}\r\n'
        "--changeset_b_0--\r\n"
        "--batch_b\r\n"
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        f"\r\nGET {ROOT}emails(1)?$select=subject HTTP/1.1\r\nAccept: application/json\r\n"
        "Prefer: odata.x\r\n\r\n\r\n"
        "--batch_b--\r\n"
    )
    assert content_type("b") == 'multipart/mixed; boundary="batch_b"'


@given(st.dictionaries(st.text(), st.text()))
def test_no_body_can_look_like_a_boundary(row: dict[str, str]) -> None:
    body = build([Changeset((Write("POST", "emails", row),))], ROOT, "b", "").decode("ascii")
    lines = [line for line in re.split("\r\n", body) if line.startswith("--")]
    assert lines == ["--batch_b", "--changeset_b_0", "--changeset_b_0--", "--batch_b--"]
    assert json.loads(body.split("\r\n\r\n")[3].split("\r\n")[0]) == row


@pytest.mark.parametrize("path", ["a b", "a\r\nb", "emails\n", "é", "", "a\x00"])
def test_no_path_breaks_out_of_its_line(path: str) -> None:
    with pytest.raises(ValueError, match="percent-encoded"):
        build([Get(path)], ROOT, "b", "")


def test_a_batch_holds_a_thousand_requests_at_most() -> None:
    build([Get("a")] * 1000, ROOT, "b", "")
    with pytest.raises(ValueError, match="1000"):
        build([Get("a")] * 1000 + [Changeset((Write("DELETE", "a"),))], ROOT, "b", "")


@pytest.mark.parametrize("content", [b"", b"[1]", b"nonsense", b"\xff"])
def test_a_body_that_is_no_object_reads_as_empty(content: bytes) -> None:
    assert Reply(200, {}, content).json == {}
