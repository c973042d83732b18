"""PowerPlatform-Dataverse-Client, the official one, reads and writes over HTTPS."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.credentials import AccessToken, TokenCredential
from PowerPlatform.Dataverse.client import DataverseClient

from sandbox.running import Running

ANNA = "anna.kowalska@contoso.example"


class _Credential(TokenCredential):
    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(self._token, int((datetime.now(UTC) + timedelta(hours=1)).timestamp()))


@pytest.fixture
def client(fresh_sandbox: Running) -> Iterator[DataverseClient]:
    credential = _Credential(fresh_sandbox.token(ANNA, "dataverse"))
    with DataverseClient(f"{fresh_sandbox.url}/dataverse", credential) as client:
        yield client


def test_it_reads_rows_page_by_page(fresh_sandbox, client):
    found = list(client.records.list_pages("contact", select=["fullname"], page_size=50))
    assert [len(page) for page in found][:2] == [50, 50]
    names = {row["fullname"] for page in found for row in page}
    assert "Margaret Ellison" in names
    assert sum(len(page) for page in found) == len(fresh_sandbox.world.company.contacts)


def test_it_creates_reads_changes_and_deletes_a_row(client):
    id_ = client.records.create("email", {"subject": "Hi", "new_topic": "Complaint"})
    row = client.records.retrieve("email", id_, select=["subject", "new_topic"])
    assert (row["subject"], row["new_topic"]) == ("Hi", 100_000_002)
    client.records.update("email", id_, {"subject": "Changed"})
    assert client.records.retrieve("email", id_, select=["subject"])["subject"] == "Changed"
    client.records.delete("email", id_)
    assert client.records.retrieve("email", id_) is None


def test_it_creates_many_rows_and_filters_them(client):
    ids = client.records.create("account", [{"name": "Bulk 1"}, {"name": "Bulk 2"}])
    assert len(ids) == 2
    rows = client.records.list("account", filter="startswith(name,'Bulk')", select=["name"])
    assert {row["name"] for row in rows} == {"Bulk 1", "Bulk 2"}


def test_it_sends_batches(client):
    batch = client.batch.new()
    with batch.changeset() as changes:
        account = changes.records.create("account", {"name": "Batched"})
        changes.records.update("account", account, {"telephone1": "1"})
    result = batch.execute()
    assert not result.has_errors
    [row] = client.records.list("account", filter="name eq 'Batched'", select=["telephone1"])
    assert row["telephone1"] == "1"


def test_it_reads_table_and_column_definitions(client):
    info = client.tables.get("email")
    assert info["entity_set_name"] == "emails"
    columns = client.tables.list_columns("email", select=["LogicalName"])
    assert "messageid" in {column["LogicalName"] for column in columns}
