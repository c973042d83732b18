"""E-mail in the Salesforce stand-in: what may change when, and who takes part."""

from typing import Any

import pytest

from sandbox.running import Running
from tests.sandbox.salesforce.client import BERND, DIEGO, Api

READONLY = (403, "INSUFFICIENT_ACCESS_OR_READONLY")


@pytest.fixture
def contact(api: Api) -> str:
    return str(api.query("SELECT Id FROM Contact LIMIT 1")[0]["Id"])


def draft(api: Api, **values: Any) -> str:
    return api.create("EmailMessage", Status="5", Subject="Draft", **values)


def relations(api: Api, message: str) -> list[tuple[str, str]]:
    rows = api.query(
        "SELECT RelationType, RelationId FROM EmailMessageRelation WHERE EmailMessageId = {}",
        message,
    )
    return [(row["RelationType"], row["RelationId"]) for row in rows]


def test_drafts_change_and_sent_mail_does_not(api: Api) -> None:
    account = api.query("SELECT Id FROM Account LIMIT 1")[0]["Id"]
    id_ = draft(api)
    api.change("EmailMessage", id_, Subject="Better", TextBody="Hello", RelatedToId=account)
    api.change("EmailMessage", id_, Status="3")
    row = api.get("EmailMessage", id_)
    assert (row["Subject"], row["Name"], row["Status"]) == ("Better", "Better", "3")
    for change in (
        {"Subject": "Worse"},
        {"RelatedToId": None},
        {"Status": "5"},
        {"Status": "1"},
        {"ToIds": []},
    ):
        path = f"sobjects/EmailMessage/{id_}"
        assert api.refused("PATCH", path, change) == READONLY, change
    api.change("EmailMessage", id_, Note__c="custom fields may change", New_Topic__c="Support")


def test_new_mail_may_only_become_read(api: Api) -> None:
    id_ = api.create("EmailMessage", Subject="In", Incoming=True)
    path = f"sobjects/EmailMessage/{id_}"
    assert api.get("EmailMessage", id_)["Status"] == "0"
    assert api.refused("PATCH", path, {"Status": "3"}) == READONLY
    api.change("EmailMessage", id_, Status="1")
    assert api.refused("PATCH", path, {"Status": "0"}) == READONLY


@pytest.mark.parametrize("field", ["Incoming", "IsClientManaged", "ParentId", "FromId"])
def test_some_fields_are_for_creation_only(api: Api, field: str) -> None:
    refused = api.refused("PATCH", f"sobjects/EmailMessage/{draft(api)}", {field: None})
    assert refused == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        ("HtmlBody", 131_072),
        ("TextBody", 131_072),
        ("Headers", 131_072),
        ("Subject", 4000),
        ("ToAddress", 4000),
        ("CcAddress", 4000),
        ("BccAddress", 4000),
    ],
)
def test_lengths(api: Api, field: str, limit: int) -> None:
    id_ = draft(api)
    api.change("EmailMessage", id_, **{field: "x" * limit})
    path = f"sobjects/EmailMessage/{id_}"
    for text in ("x" * (limit + 1), "\U0001f600" * (limit // 2 + 1)):
        status, (refused,) = api.call("PATCH", path, {field: text})
        assert (status, refused["errorCode"]) == (400, "STRING_TOO_LONG")
        assert refused["fields"] == [field]


def test_recipients_are_kept_as_relations(api: Api, contact: str) -> None:
    (me,) = api.query(
        "SELECT Id, Email FROM User WHERE Email = {}", "bernd.schaefer@contoso.example"
    )
    id_ = api.create("EmailMessage", Status="3", ToIds=[contact, me["Id"]], CcIds=[contact[:15]])
    assert relations(api, id_) == [
        ("ToAddress", contact),
        ("ToAddress", me["Id"]),
        ("CcAddress", contact),
    ]
    soql = "SELECT RelationAddress, RelationObjectType FROM EmailMessageRelation WHERE"
    rows = api.query(f"{soql} RelationId = {{}}", me["Id"])
    assert [(r["RelationAddress"], r["RelationObjectType"]) for r in rows] == [
        (me["Email"], "User")
    ]
    account = api.query("SELECT Id FROM Account LIMIT 1")[0]["Id"]
    refused = api.refused("POST", "sobjects/EmailMessage", {"ToIds": [account]})
    assert refused == (400, "MALFORMED_ID")


def test_relations_of_sent_mail_need_a_permission(
    fresh_sandbox: Running, api: Api, contact: str
) -> None:
    id_ = draft(api)
    sender = {"EmailMessageId": id_, "RelationId": contact, "RelationType": "FromAddress"}
    relation = api.create("EmailMessageRelation", **sender)
    api.change("EmailMessage", id_, Status="3")
    assert api.refused("POST", "sobjects/EmailMessageRelation", sender) == READONLY
    assert api.refused("DELETE", f"sobjects/EmailMessageRelation/{relation}") == READONLY
    fresh_sandbox.configure_salesforce(updateEmailMessages=True)
    assert api.call("DELETE", f"sobjects/EmailMessageRelation/{relation}")[0] == 204
    assert relations(api, id_) == []


def test_a_private_draft_is_its_creators(fresh_sandbox: Running, api: Api) -> None:
    private, public = draft(api, IsPrivateDraft=True), draft(api)
    bernd = Api(fresh_sandbox, BERND)
    bernd.change("EmailMessage", public, Subject="Bernd's")
    assert bernd.refused("GET", f"sobjects/EmailMessage/{private}") == (404, "NOT_FOUND")
    change = {"Subject": "Bernd's"}
    assert bernd.refused("PATCH", f"sobjects/EmailMessage/{private}", change) == READONLY
    api.change("EmailMessage", private, Subject="Anna's")


def test_deleting_takes_relations_and_links_along_but_not_files(api: Api, contact: str) -> None:
    id_ = draft(api, ToIds=[contact])
    version = api.create(
        "ContentVersion", PathOnClient="a.txt", VersionData="YQ==", FirstPublishLocationId=id_
    )
    document = api.get("ContentVersion", version)["ContentDocumentId"]
    api.change("EmailMessage", id_, Status="3")
    assert api.call("DELETE", f"sobjects/EmailMessage/{id_}") == (204, None)
    assert relations(api, id_) == []
    soql = "SELECT Id FROM ContentDocumentLink WHERE ContentDocumentId = {} AND LinkedEntityId = {}"
    assert api.query(soql, document, id_) == []
    assert api.get("ContentDocument", document)["Title"] == "a"


def test_who_reads_only_their_own_sees_their_own_mail(fresh_sandbox: Running, api: Api) -> None:
    hers = draft(api)
    diego = Api(fresh_sandbox, DIEGO)
    his = draft(diego)
    assert [row["Id"] for row in diego.query("SELECT Id FROM EmailMessage")] == [his]
    assert len(api.query("SELECT Id FROM EmailMessage")) == 2
    assert diego.refused("GET", f"sobjects/EmailMessage/{hers}") == (404, "NOT_FOUND")


def test_without_enhanced_email_there_is_none(fresh_sandbox: Running, api: Api) -> None:
    fresh_sandbox.configure_salesforce(enhancedEmail=False)
    names = {about["name"] for about in api.call("GET", "sobjects")[1]["sobjects"]}
    assert "Task" in names
    assert not names & {"EmailMessage", "EmailMessageRelation"}
    assert api.refused("GET", "sobjects/EmailMessage/describe") == (404, "NOT_FOUND")
    assert api.refused("POST", "sobjects/EmailMessage", {}) == (404, "NOT_FOUND")
    soql = {"q": "SELECT Id FROM EmailMessage"}
    assert api.refused("GET", "query", params=soql) == (400, "INVALID_TYPE")
    record = {"attributes": {"type": "EmailMessage"}}
    _, (result,) = api.call("POST", "composite/sobjects", {"records": [record]})
    assert result["errors"][0]["statusCode"] == "INVALID_TYPE"
    fresh_sandbox.reset()
    assert draft(api)
