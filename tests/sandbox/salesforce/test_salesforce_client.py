"""A plain simple-salesforce client reads and writes the Salesforce stand-in."""

import pytest
from simple_salesforce import Salesforce, format_soql
from simple_salesforce.exceptions import SalesforceExpiredSession, SalesforceResourceNotFound

from sandbox.running import Running
from tests.sandbox.salesforce.client import ANNA, Api, part, plain_client


@pytest.fixture
def client(fresh_sandbox: Running) -> Salesforce:
    return plain_client(fresh_sandbox)


def test_reads_and_writes_records(client: Salesforce) -> None:
    made = client.Contact.create({"LastName": "Dvořák", "Email": "d@new.example"})
    client.Contact.update(made["id"], {"Title": "Chief"})
    assert client.Contact.get(made["id"])["Title"] == "Chief"
    client.Contact.delete(made["id"])
    with pytest.raises(SalesforceResourceNotFound):
        client.Contact.get(made["id"])


def test_queries_with_parents_and_batches(client: Salesforce) -> None:
    soql = format_soql("SELECT Name, Owner.Email FROM Contact WHERE Name LIKE '%{:like}%'", "an")
    found = client.query(soql)
    assert found["totalSize"] == len(found["records"]) > 0
    assert all("@" in record["Owner"]["Email"] for record in found["records"])
    assert len(list(client.query_all_iter("SELECT Id FROM Contact"))) > 50


def test_describes(client: Salesforce) -> None:
    described = client.describe()
    assert described is not None
    names = {about["name"] for about in described["sobjects"]}
    assert {"EmailMessage", "Event", "Task", "ContentVersion", "Project__c"} <= names
    fields = {field["name"]: field for field in client.EmailMessage.describe()["fields"]}
    key = fields["Threadline_Key__c"]
    assert (key["unique"], key["caseSensitive"], key["externalId"]) == (True, True, True)


def test_upserts_by_external_id(client: Salesforce) -> None:
    assert (
        client.Event.upsert(
            "Threadline_Key__c/k1",
            {"StartDateTime": "2026-01-05T09:00:00Z", "DurationInMinutes": 30, "Subject": "One"},
        )
        == 201
    )
    assert client.Event.upsert("Threadline_Key__c/k1", {"Subject": "Two"}) == 200
    assert client.Event.get_by_custom_id("Threadline_Key__c", "k1")["Subject"] == "Two"


def test_refuses_a_token_that_is_not_its_own(fresh_sandbox: Running) -> None:
    token = fresh_sandbox.token(ANNA, "salesforce")
    client = Salesforce(session_id=token + "x", instance_url=fresh_sandbox.url)
    # The client asks for a new session and, having no way to get one, gives up.
    with pytest.raises((SalesforceExpiredSession, RuntimeError)):
        client.query("SELECT Id FROM Contact")


def test_saves_an_email_in_one_composite(api: Api) -> None:
    contact = api.query("SELECT Id FROM Contact LIMIT 1")[0]["Id"]
    relation = {
        "attributes": {"type": "EmailMessageRelation"},
        "EmailMessageId": "@{mail.id}",
        "RelationId": contact,
        "RelationType": "FromAddress",
    }
    file = {
        "PathOnClient": "a.txt",
        "VersionData": "YWJj",
        "FirstPublishLocationId": "@{mail.id}",
    }
    soql = (
        "SELECT Status, HasAttachment, (SELECT RelationId, Relation.Type FROM "
        "EmailMessageRelations), (SELECT ContentDocument.ContentSize FROM ContentDocumentLinks) "
        "FROM EmailMessage WHERE Id = '@{mail.id}'"
    )
    answers = api.composite(
        part("mail", "POST", "sobjects/EmailMessage", {"Status": "5", "Threadline_Key__c": "k"}),
        part("relations", "POST", "composite/sobjects", {"records": [relation]}),
        part("file", "POST", "sobjects/ContentVersion", file),
        part("close", "PATCH", "sobjects/EmailMessage/@{mail.id}", {"Status": "3"}),
        part("back", "GET", f"query?q={soql}"),
    )
    assert [answer["httpStatusCode"] for answer in answers] == [201, 200, 201, 204, 200]
    (mail,) = answers[-1]["body"]["records"]
    assert (mail["Status"], mail["HasAttachment"]) == ("3", True)
    (sender,) = mail["EmailMessageRelations"]["records"]
    assert (sender["RelationId"], sender["Relation"]["Type"]) == (contact, "Contact")
    (link,) = mail["ContentDocumentLinks"]["records"]
    assert link["ContentDocument"]["ContentSize"] == 3
