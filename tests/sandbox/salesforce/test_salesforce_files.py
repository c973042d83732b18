"""Files in the Salesforce stand-in."""

import base64
import json
from hashlib import md5
from typing import Any

import pytest

from sandbox.running import Running
from tests.sandbox.salesforce.client import DIEGO, Api

READONLY = (403, "INSUFFICIENT_ACCESS_OR_READONLY")


def upload(api: Api, data: bytes, **values: Any) -> str:
    encoded = base64.b64encode(data).decode()
    return api.create("ContentVersion", VersionData=encoded, **values)


def test_a_file_as_base64(api: Api) -> None:
    account = api.query("SELECT Id FROM Account LIMIT 1")[0]["Id"]
    id_ = upload(api, b"Hello", PathOnClient="C:\\x\\Grüße.TXT", FirstPublishLocationId=account)
    row = api.get("ContentVersion", id_)
    facts = ("Title", "FileExtension", "FileType", "ContentSize", "IsLatest", "VersionNumber")
    assert [row[name] for name in facts] == ["Grüße", "txt", "TEXT", 5, True, "1"]
    assert row["Checksum"] == md5(b"Hello", usedforsecurity=False).hexdigest()
    assert row["VersionData"].endswith(f"/sobjects/ContentVersion/{id_}/VersionData")
    assert api.http.get(f"sobjects/ContentVersion/{id_}/VersionData").content == b"Hello"
    soql = (
        "SELECT ContentDocument.ContentSize, ContentDocument.LatestPublishedVersionId "
        "FROM ContentDocumentLink WHERE LinkedEntityId = {}"
    )
    (link,) = api.query(soql, account)
    document = link["ContentDocument"]
    assert (document["ContentSize"], document["LatestPublishedVersionId"]) == (5, id_)


def test_a_file_as_multipart(api: Api) -> None:
    data = bytes(range(256)) * 20_000
    parts = {
        "entity_content": (
            None,
            json.dumps({"Title": "Big", "PathOnClient": "big.bin"}),
            "application/json",
        ),
        "VersionData": ("big.bin", data, "application/octet-stream"),
    }
    answer = api.http.post("sobjects/ContentVersion", files=parts)
    assert answer.status_code == 201, answer.text
    id_ = answer.json()["id"]
    assert api.get("ContentVersion", id_)["ContentSize"] == len(data)
    assert api.http.get(f"sobjects/ContentVersion/{id_}/VersionData").content == data


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"VersionData": "YQ=="}, "REQUIRED_FIELD_MISSING"),
        ({"PathOnClient": "a.txt"}, "REQUIRED_FIELD_MISSING"),
        ({"PathOnClient": "a.txt", "VersionData": "***"}, "JSON_PARSER_ERROR"),
        ({"PathOnClient": "a.txt", "VersionData": "YQ==", "Title": "x" * 256}, "STRING_TOO_LONG"),
    ],
)
def test_files_that_cannot_be(api: Api, values: dict[str, Any], code: str) -> None:
    assert api.refused("POST", "sobjects/ContentVersion", values) == (400, code)


def test_a_new_version_takes_the_place_of_the_old(api: Api) -> None:
    first = upload(api, b"1", PathOnClient="a.txt")
    document = api.get("ContentVersion", first)["ContentDocumentId"]
    second = upload(api, b"two", PathOnClient="a.txt", ContentDocumentId=document)
    assert api.get("ContentVersion", first)["IsLatest"] is False
    row = api.get("ContentVersion", second)
    assert (row["IsLatest"], row["VersionNumber"]) == (True, "2")
    shown = api.get("ContentDocument", document)
    assert (shown["LatestPublishedVersionId"], shown["ContentSize"]) == (second, 3)


def test_links_come_once_and_go(api: Api) -> None:
    mail = api.create("EmailMessage", Status="5")
    version = upload(api, b"1", PathOnClient="a.txt", FirstPublishLocationId=mail)
    document = api.get("ContentVersion", version)["ContentDocumentId"]
    row = {"ContentDocumentId": document, "LinkedEntityId": mail}
    assert api.refused("POST", "sobjects/ContentDocumentLink", row) == (400, "DUPLICATE_VALUE")
    (link,) = api.query("SELECT Id FROM ContentDocumentLink WHERE LinkedEntityId = {}", mail)
    assert api.get("EmailMessage", mail)["HasAttachment"] is True
    assert api.call("DELETE", f"sobjects/ContentDocumentLink/{link['Id']}")[0] == 204
    assert api.get("EmailMessage", mail)["HasAttachment"] is False
    api.create("ContentDocumentLink", **row, ShareType="V")
    assert api.get("EmailMessage", mail)["HasAttachment"] is True


def test_sent_mail_takes_files_only_from_its_client(fresh_sandbox: Running, api: Api) -> None:
    closed = api.create("EmailMessage", Status="3")
    managed = api.create("EmailMessage", Status="3", IsClientManaged=True)
    file = {"PathOnClient": "a.txt", "VersionData": "YQ=="}
    place = {**file, "FirstPublishLocationId": closed}
    assert api.refused("POST", "sobjects/ContentVersion", place) == READONLY
    upload(api, b"a", PathOnClient="a.txt", FirstPublishLocationId=managed)
    documents = [api.get("ContentVersion", upload(api, b"b", PathOnClient="b.txt"))]
    ids = [row["ContentDocumentId"] for row in documents]
    api.change("EmailMessage", managed, ContentDocumentIds=ids)
    links = api.query(
        "SELECT ContentDocumentId FROM ContentDocumentLink WHERE LinkedEntityId = {}", managed
    )
    assert [link["ContentDocumentId"] for link in links] == ids
    fresh_sandbox.configure_salesforce(updateEmailMessages=True)
    upload(api, b"a", PathOnClient="a.txt", FirstPublishLocationId=closed)


def test_mail_may_be_made_with_its_files(api: Api) -> None:
    document = api.get("ContentVersion", upload(api, b"b", PathOnClient="b.txt"))
    id_ = api.create("EmailMessage", Status="3", ContentDocumentIds=[document["ContentDocumentId"]])
    assert api.get("EmailMessage", id_)["HasAttachment"] is True


def test_a_document_goes_with_its_versions_and_a_version_never_alone(api: Api) -> None:
    version = upload(api, b"1", PathOnClient="a.txt")
    document = api.get("ContentVersion", version)["ContentDocumentId"]
    refused = api.refused("DELETE", f"sobjects/ContentVersion/{version}")
    assert refused == (400, "INVALID_TYPE_FOR_OPERATION")
    assert api.call("DELETE", f"sobjects/ContentDocument/{document}")[0] == 204
    assert api.refused("GET", f"sobjects/ContentVersion/{version}") == (404, "NOT_FOUND")


def test_files_are_seen_with_what_they_belong_to(fresh_sandbox: Running, api: Api) -> None:
    diego = Api(fresh_sandbox, DIEGO)
    his = diego.create("Lead", LastName="x", Company="y")
    shared = upload(api, b"1", PathOnClient="a.txt", FirstPublishLocationId=his)
    private = upload(api, b"2", PathOnClient="b.txt")
    assert diego.get("ContentVersion", shared)["ContentSize"] == 1
    assert diego.refused("GET", f"sobjects/ContentVersion/{private}") == (404, "NOT_FOUND")
