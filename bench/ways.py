"""Three ways to save one e-mail to Dataverse: through the app, by the barest calls, by the book."""

import asyncio
import base64
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from bench.mail import SELLER, message
from bench.stack import App
from sandbox.client import Handles
from shared.crm import Connection
from shared.crm.dataverse import batch, parties, payloads, queries
from shared.crm.dataverse.adapter import opener
from shared.crm.dataverse.batch import Changeset, Get, Part, Write, patch
from shared.crm.dataverse.settings import DataverseSettings
from shared.crm.dataverse.tables import EMAIL
from shared.domain import File, ItemRef
from shared.outbound import Sender
from shared.outlook.batches import batch_body
from shared.outlook.client import GraphMailbox
from shared.outlook.paths import attachment_path, item_path


def deliver(handles: Handles) -> str:
    """A new message in the seller's mailbox; its Graph id."""
    return handles.deliver_mail(message(), SELLER.address)


class ThroughTheApp:
    """One POST to our own API."""

    def __init__(self, handles: Handles, app: App) -> None:
        headers = {"Authorization": f"Bearer {handles.token(SELLER.address)}"}
        self.client = httpx.AsyncClient(headers=headers, timeout=60)
        self._url = f"{app.api}/activities"

    async def save(self, id_: str) -> None:
        body = {"item": {"kind": "email", "mailbox": "me", "id": id_}, "links": []}
        answer = await self.client.post(self._url, json=body)
        if answer.status_code != 201 or len(answer.json()["attachments"]["saved"]) != 3:
            raise RuntimeError(f"not saved as it should be: {answer.text}")


@dataclass(frozen=True, slots=True)
class Ready:
    """The four requests of a save with their bodies made beforehand."""

    message_url: str
    files: bytes
    questions: tuple[str, bytes]
    record: tuple[str, bytes]


class ByTheBarestCalls:
    """The least that must go over the wire, sent by httpx; nothing is checked, parsed or made."""

    def __init__(self, handles: Handles) -> None:
        self._graph = f"{handles.url}/graph/v1.0"
        self._dataverse = f"{handles.url}/dataverse"
        self._tokens = {
            "graph": handles.token(SELLER.address, "graph"),
            "dataverse": handles.token(SELLER.address, "dataverse"),
        }
        verify = ssl.create_default_context(cafile=str(handles.ca))
        self.client = httpx.AsyncClient(verify=verify, timeout=60)
        self._sender = Sender()

    async def prepare(self, id_: str) -> Ready:
        """Not part of what is measured: asks what the bodies need."""
        errand = self._sender.errand(60)
        ref = ItemRef("email", "me", id_)
        mailbox = GraphMailbox(self._sender, errand, self._graph, self._graph_token)
        item = await mailbox.fetch(ref)
        settings = DataverseSettings.model_validate({"url": self._dataverse})
        crm = opener(settings)(Connection(self._sender, errand, self._dataverse_token))
        known = await crm.look_up(item, None)
        contents = await mailbox.read_files(ref, item.attachments)
        draft = payloads.draft(item, known)
        id_crm = draft.row["activityid"]
        whole = queries.activity(EMAIL, id_crm, ())
        writes = [Write("POST", EMAIL.entity_set, draft.row)]
        for number, (attachment, content) in enumerate(
            zip(item.attachments, contents, strict=True)
        ):
            file = File(str(number), attachment.name, "application/pdf", 0, _unread)
            row = payloads.file_row(file, content or b"", id_crm, EMAIL)
            writes.append(Write("POST", "activitymimeattachments", row))
        writes.append(patch(f"{EMAIL.entity_set}({id_crm})", payloads.state(draft.final)))
        asked: list[Part] = [Get(whole)]
        asked += [Get(path) for path in filter(None, [queries.copies(item, EMAIL, ())])]
        for table in queries.PARTY_COLUMNS:
            asked += [Get(path) for path in queries.by_address(table, parties.addresses(item))]
        paths = {n: f"{attachment_path(ref, a.id)}/$value" for n, a in enumerate(item.attachments)}
        return Ready(
            message_url=self._graph + item_path(ref, "whole"),
            files=batch_body(paths, {}),
            questions=self._batch(asked),
            record=self._batch([Changeset(tuple(writes)), Get(whole)]),
        )

    async def save(self, ready: Ready) -> None:
        graph = {"Authorization": f"Bearer {self._tokens['graph']}"}
        answer = await self.client.get(ready.message_url, headers=graph)
        answers = await asyncio.gather(
            self.client.post(
                f"{self._graph}/$batch",
                content=ready.files,
                headers={**graph, "Content-Type": "application/json"},
            ),
            self._post(ready.questions),
        )
        last = await self._post(ready.record)
        if (
            any(a.status_code != 200 for a in (answer, *answers, last))
            or b" 204 " not in last.content
        ):
            raise RuntimeError(f"not saved as it should be: {last.text}")

    def _batch(self, parts: list[Part]) -> tuple[str, bytes]:
        boundary = uuid4().hex
        root = f"{self._dataverse}/api/data/v9.2/"
        return batch.content_type(boundary), batch.build(parts, root, boundary, queries.ANNOTATIONS)

    async def _post(self, ready: tuple[str, bytes]) -> httpx.Response:
        type_, body = ready
        headers = {
            "Authorization": f"Bearer {self._tokens['dataverse']}",
            "Content-Type": type_,
            "Prefer": "odata.continue-on-error",
        }
        return await self.client.post(
            f"{self._dataverse}/api/data/v9.2/$batch", content=body, headers=headers
        )

    async def _graph_token(self) -> str:
        return self._tokens["graph"]

    async def _dataverse_token(self, scope: str) -> str:
        return self._tokens["dataverse"]


def graph_client(handles: Handles) -> Any:
    """msgraph-sdk for the seller."""
    from kiota_abstractions.authentication import (
        AccessTokenProvider,
        AllowedHostsValidator,
        BaseBearerTokenAuthenticationProvider,
    )
    from msgraph.graph_request_adapter import GraphRequestAdapter
    from msgraph.graph_service_client import GraphServiceClient

    class Token(AccessTokenProvider):
        async def get_authorization_token(
            self, uri: str, additional_authentication_context: Mapping[str, Any] | None = None
        ) -> str:
            return graph_token

        def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
            return AllowedHostsValidator(["localhost"])

    graph_token = handles.token(SELLER.address, "graph")
    adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(Token()))
    adapter.base_url = f"{handles.url}/graph/v1.0"
    return GraphServiceClient(request_adapter=adapter)


class ByTheBook:
    """Both vendors' own clients as their documentation shows them, one call after the other."""

    def __init__(self, handles: Handles) -> None:
        self._graph = graph_client(handles)
        self._dataverse_url = f"{handles.url}/dataverse"
        self._dataverse_token = handles.token(SELLER.address, "dataverse")

    @contextmanager
    def crm(self) -> Iterator[Any]:
        """PowerPlatform-Dataverse-Client, kept open over all saves."""
        from azure.core.credentials import AccessToken
        from PowerPlatform.Dataverse.client import DataverseClient

        token = self._dataverse_token

        class Credential:
            def get_token(self, *scopes: str, **options: Any) -> AccessToken:
                return AccessToken(token, 2**31)

        with DataverseClient(self._dataverse_url, Credential()) as client:
            yield client

    async def save(self, id_: str, dataverse: Any) -> None:
        mail = await self._graph.me.messages.by_message_id(id_).get()
        attachments = await self._graph.me.messages.by_message_id(id_).attachments.get()
        if mail is None or attachments is None or mail.from_ is None:
            raise RuntimeError("not read as it should be")
        people = [(mail.from_, 1)]
        people += [(one, 2) for one in mail.to_recipients or []]
        people += [(one, 3) for one in mail.cc_recipients or []]
        await asyncio.to_thread(self._write, mail, people, attachments.value or [], dataverse)

    def _write(self, mail: Any, people: Any, attachments: Any, dataverse: Any) -> None:
        rows = []
        for person, mask in people:
            address = person.email_address.address
            row = {"participationtypemask": mask, "addressused": address}
            for table, column, key in (
                ("contact", "emailaddress1", "partyid_contact"),
                ("systemuser", "internalemailaddress", "partyid_systemuser"),
            ):
                found = dataverse.records.list(
                    table, filter=f"{column} eq '{address}'", select=[f"{table}id"]
                )
                for record in found[:1] if isinstance(found, list) else list(found)[:1]:
                    row[f"{key}@odata.bind"] = f"/{table}s({record[f'{table}id']})"
                    break
                else:
                    continue
                break
            rows.append(row)
        record_id = dataverse.records.create(
            "email",
            {
                "subject": mail.subject,
                "description": mail.body.content,
                "messageid": mail.internet_message_id,
                "directioncode": False,
                "email_activity_parties": rows,
            },
        )
        for attachment in attachments:
            dataverse.records.create(
                "activitymimeattachment",
                {
                    "filename": attachment.name,
                    "mimetype": attachment.content_type,
                    # the SDK hands out the base64 text of the wire as bytes
                    "body": base64.b64encode(base64.b64decode(attachment.content_bytes)).decode(),
                    "objecttypecode": "email",
                    "objectid_email@odata.bind": f"/emails({record_id})",
                },
            )
        dataverse.records.update("email", record_id, {"statecode": 1, "statuscode": 4})


async def _unread() -> bytes:
    raise RuntimeError("its content is given beforehand")
