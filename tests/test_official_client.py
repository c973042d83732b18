"""What we save, as Microsoft's own client reads it from the CRM."""

import base64
from collections.abc import AsyncIterator

import pytest
from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient

from sandbox.running import Running
from tests.contract.mailbox_items import Appointment, Enclosure, Mail
from tests.deployment import Client, deployed

ANNA = "anna.kowalska@contoso.example"


class _Credential:
    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        return AccessToken(self._token, 2**31)


@pytest.fixture
async def office(fresh_sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    async with deployed(fresh_sandbox, monkeypatch):
        yield fresh_sandbox


def reader(office: Running) -> DataverseClient:
    credential = _Credential(office.token(ANNA, "dataverse"))
    return DataverseClient(f"{office.url}/dataverse", credential)


async def saved(office: Running, kind: str, item: str) -> str:
    opportunity = office.world.company.opportunities[0]
    answer = await Client(office.token(ANNA)).save(
        item={"kind": kind, "mailbox": "me", "id": item},
        links=[{"type": "opportunity", "id": opportunity.id}],
    )
    assert answer.status == 201, answer.body
    id_: str = answer.body["id"]
    return id_


async def test_an_email_with_its_parties_and_files(office: Running) -> None:
    contact = office.world.company.contacts[0]
    mail = Mail(
        sender=("A customer", contact.email),
        cc=(("Somebody", "somebody@elsewhere.example"),),
        enclosures=(Enclosure("offer.txt", b"40 pumps", "text/plain"),),
    )
    id_ = await saved(office, "email", office.deliver_mail(mail.source(), ANNA))
    with reader(office) as client:
        row = client.records.retrieve(
            "email",
            id_,
            select=["subject", "messageid", "statecode", "statuscode", "directioncode"],
            expand=["email_activity_parties"],
        )
        files = client.records.list(
            "activitymimeattachment",
            filter=f"_objectid_value eq {id_}",
            select=["filename", "body"],
        )
    assert row["subject"] == "Offer for 40 pumps"
    assert row["messageid"] == "<offer-1@customer.example>"
    assert (row["statecode"], row["statuscode"], row["directioncode"]) == (1, 4, False)
    parties = {
        (party["participationtypemask"], party["addressused"], party["_partyid_value"])
        for party in row["email_activity_parties"]
        if party["participationtypemask"] in (1, 3)
    }
    assert parties == {(1, contact.email, contact.id), (3, "somebody@elsewhere.example", None)}
    (file,) = files
    assert (file["filename"], base64.b64decode(file["body"])) == ("offer.txt", b"40 pumps")


async def test_a_meeting(office: Running) -> None:
    item = office.deliver_meeting(Appointment().calendar(), ANNA)
    id_ = await saved(office, "meeting", item)
    with reader(office) as client:
        row = client.records.retrieve(
            "appointment",
            id_,
            select=["subject", "scheduledstart", "scheduledend", "_regardingobjectid_value"],
        )
    assert row["subject"] == "Kick-off"
    assert row["scheduledstart"] == "2026-03-23T09:00:00Z"
    assert row["scheduledend"] == "2026-03-23T10:00:00Z"
    assert row["_regardingobjectid_value"] == office.world.company.opportunities[0].id
