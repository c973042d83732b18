"""Three ways to save one e-mail to Salesforce: through the app (see ways), by the barest calls, by
the book."""

import asyncio
import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from bench.mail import SELLER
from bench.ways import graph_client
from sandbox.client import Handles
from sandbox.salesforce import CONSUMER_KEY, FILE_NAME
from shared.crm import Connection, CrmUser
from shared.crm.salesforce import composite, payloads, people, queries
from shared.crm.salesforce.adapter import SalesforceCrm, organized
from shared.crm.salesforce.channel import Channel
from shared.crm.salesforce.composite import MADE, MADE_ID, ROOT, Part
from shared.crm.salesforce.objects import EMAIL_MESSAGE
from shared.crm.salesforce.settings import SalesforceSettings
from shared.domain import File, ItemRef
from shared.outbound import Limits, Sender
from shared.outlook.batches import batch_body
from shared.outlook.client import GraphMailbox
from shared.outlook.paths import attachment_path, item_path


@dataclass(frozen=True, slots=True)
class Ready:
    """The four requests of a save with their bodies made beforehand."""

    message_url: str
    files: bytes
    questions: bytes
    record: bytes


class ByTheBarestCalls:
    """The least that must go over the wire, sent by httpx; nothing is checked, parsed or made."""

    def __init__(self, handles: Handles) -> None:
        self._graph = f"{handles.url}/graph/v1.0"
        self._composite = f"{handles.url}{ROOT}composite"
        self._tokens = {
            "graph": handles.token(SELLER.address, "graph"),
            "salesforce": handles.token(SELLER.address, "salesforce"),
        }
        verify = ssl.create_default_context(cafile=str(handles.ca))
        self.client = httpx.AsyncClient(verify=verify, timeout=60)
        self._sender = Sender()
        settings = SalesforceSettings.model_validate(
            {
                "url": handles.url,
                "consumer_key": CONSUMER_KEY,
                "private_key_file": handles.ca.with_name(FILE_NAME),
                "login_url": handles.url,
            }
        )
        self._organization = organized(settings, Channel(settings.root), Limits())

    async def prepare(self, id_: str) -> Ready:
        """Not part of what is measured: asks what the bodies need."""
        errand = self._sender.errand(60)
        ref = ItemRef("email", "me", id_)
        mailbox = GraphMailbox(self._sender, errand, self._graph, self._graph_token)
        item = await mailbox.fetch(ref)
        user = CrmUser(SELLER.oid, SELLER.address)
        connection = Connection(self._sender, errand, self._no_token, user=user)
        known = await SalesforceCrm(self._organization, connection).look_up(item, None)
        shape = self._organization.knowledge.shape(SELLER.oid)
        if shape is None:
            raise RuntimeError("the objects are known after a look-up")
        draft = payloads.draft(item, known, None, shape)
        parts = [
            composite.create(MADE, EMAIL_MESSAGE.name, draft.row),
            *composite.creations("relations", draft.relations),
        ]
        contents = await mailbox.read_files(ref, item.attachments)
        for number, (attachment, content) in enumerate(
            zip(item.attachments, contents, strict=True)
        ):
            file = File(str(number), attachment.name, "application/pdf", 0, _unread)
            row = payloads.file_row(file, None, shape)
            row["VersionData"] = payloads.encoded(content or b"")
            parts.append(composite.create(f"file{number}", "ContentVersion", row))
        parts.append(composite.update("closed", EMAIL_MESSAGE.name, MADE_ID, draft.closing))
        whole = queries.activity(EMAIL_MESSAGE, MADE_ID, shape, ())
        parts.append(composite.query("now", whole))
        asked = [composite.query("item", queries.of_item(EMAIL_MESSAGE, item, shape, ()) or "")]
        addresses = people.looked_up(item)
        columns: dict[str, tuple[str, ...]] = {"User": ("Email",)}
        columns |= {name: shape.of(name).addresses for name in queries.PARTIES[1:]}
        for name, fields in columns.items():
            asked += [
                composite.query(f"{name}_{n}", soql)
                for n, soql in enumerate(queries.by_address(name, fields, addresses))
            ]
        paths = {n: f"{attachment_path(ref, a.id)}/$value" for n, a in enumerate(item.attachments)}
        return Ready(
            message_url=self._graph + item_path(ref, "whole"),
            files=batch_body(paths, {}),
            questions=_body(asked, all_or_none=False),
            record=_body(parts, all_or_none=True),
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
            or b'"errorCode"' in last.content
        ):
            raise RuntimeError(f"not saved as it should be: {last.text}")

    async def _post(self, body: bytes) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {self._tokens['salesforce']}",
            "Content-Type": "application/json",
        }
        return await self.client.post(self._composite, content=body, headers=headers)

    async def _graph_token(self) -> str:
        return self._tokens["graph"]

    async def _no_token(self, scope: str) -> str:
        raise RuntimeError("Entra ID gives out no tokens for Salesforce")


class ByTheBook:
    """msgraph-sdk and simple-salesforce as their documentation shows them, one call a record."""

    def __init__(self, handles: Handles) -> None:
        self._graph = graph_client(handles)
        self._url = handles.url
        self._token = handles.token(SELLER.address, "salesforce")

    @contextmanager
    def crm(self) -> Iterator[Any]:
        """A client of simple-salesforce, kept open over all saves."""
        from simple_salesforce.api import Salesforce

        yield Salesforce(session_id=self._token, instance_url=self._url, version="64.0")

    async def save(self, id_: str, crm: Any) -> None:
        mail = await self._graph.me.messages.by_message_id(id_).get()
        attachments = await self._graph.me.messages.by_message_id(id_).attachments.get()
        if mail is None or attachments is None or mail.from_ is None:
            raise RuntimeError("not read as it should be")
        persons = [(mail.from_, "FromAddress")]
        persons += [(one, "ToAddress") for one in mail.to_recipients or []]
        persons += [(one, "CcAddress") for one in mail.cc_recipients or []]
        await asyncio.to_thread(self._write, mail, persons, attachments.value or [], crm)

    def _write(self, mail: Any, persons: Any, attachments: Any, crm: Any) -> None:
        from simple_salesforce.format import format_soql

        message = crm.EmailMessage.create(
            {
                "Status": "5",
                "Incoming": True,
                "Subject": mail.subject,
                "HtmlBody": mail.body.content,
                "MessageIdentifier": mail.internet_message_id,
            }
        )["id"]
        for person, role in persons:
            address = person.email_address.address
            relation = {
                "EmailMessageId": message,
                "RelationType": role,
                "RelationAddress": address,
            }
            for soql in (
                "SELECT Id FROM Contact WHERE Email = {}",
                "SELECT Id FROM User WHERE Email = {}",
            ):
                found = crm.query(format_soql(soql, address))["records"]
                if found:
                    relation["RelationId"] = found[0]["Id"]
                    break
            crm.EmailMessageRelation.create(relation)
        for attachment in attachments:
            crm.ContentVersion.create(
                {
                    "Title": attachment.name,
                    "PathOnClient": attachment.name,
                    # the SDK hands out the base64 text of the wire as bytes
                    "VersionData": base64.b64encode(
                        base64.b64decode(attachment.content_bytes)
                    ).decode(),
                    "FirstPublishLocationId": message,
                }
            )
        crm.EmailMessage.update(message, {"Status": "1"})


def _body(parts: list[Part], *, all_or_none: bool) -> bytes:
    return json.dumps(composite.body(parts, all_or_none=all_or_none)).encode()


async def _unread() -> bytes:
    raise RuntimeError("its content is given beforehand")
