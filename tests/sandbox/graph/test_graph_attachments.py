"""The three kinds of attachments."""

from base64 import b64decode
from email.message import EmailMessage

from sandbox import graph
from tests.sandbox.graph.graph_world import ANNA, BERND, Graph

LIST = "$expand=attachments($select=id,name,contentType,size,isInline)"


async def test_a_file_comes_in_the_list_alone_and_as_bytes(mailbox: Graph) -> None:
    id_ = mailbox.mail(files=(("a.bin", b"\x00\xff abc"), ("b.bin", b"")))
    path = f"me/messages/{id_}/attachments"

    first, second = (await mailbox.get(path))["value"]

    assert first["@odata.type"] == "#microsoft.graph.fileAttachment"
    assert b64decode(first["contentBytes"]) == b"\x00\xff abc"
    assert first["size"] > 6
    assert (second["name"], second["contentBytes"]) == ("b.bin", "")
    alone = await mailbox.get(f"{path}/{first['id']}")
    assert {k: v for k, v in alone.items() if k != "@odata.context"} == first
    content = await mailbox.http.get(f"{path}/{first['id']}/$value")
    assert content.content == b"\x00\xff abc"
    assert content.headers["content-type"] == "application/octet-stream"


async def test_the_expanded_list_carries_no_contents_unless_asked(mailbox: Graph) -> None:
    id_ = mailbox.mail(files=(("a.bin", b"abc"),))

    (file,) = (await mailbox.get(f"me/messages/{id_}?{LIST}"))["attachments"]

    assert set(file) == {
        "@odata.type",
        "@odata.mediaContentType",
        "id",
        "name",
        "contentType",
        "size",
        "isInline",
    }
    whole = await mailbox.get(f"me/messages/{id_}?$expand=attachments")
    assert whole["attachments"][0]["contentBytes"] == "YWJj"
    typed = "microsoft.graph.fileAttachment/contentBytes"
    shown = await mailbox.get(f"me/messages/{id_}/attachments?$select=id,{typed}")
    assert shown["value"][0]["contentBytes"] == "YWJj"
    refused = await mailbox.refused(f"me/messages/{id_}/attachments?$select=contentBytes")
    assert refused == (400, "RequestBroker--ParseUri")


async def test_a_forwarded_mail_is_an_item_that_can_be_expanded(mailbox: Graph) -> None:
    inner, outer = EmailMessage(), EmailMessage()
    inner["Subject"], inner["From"], inner["Message-ID"] = "Inner", "i@x.example", "<inner@x>"
    inner.set_content("inner text")
    inner.add_attachment(b"PDF", maintype="application", subtype="pdf", filename="deep.pdf")
    outer["Subject"] = "FW: Inner"
    outer.set_content("see below")
    outer.add_attachment(inner)
    id_ = graph.deliver_mail(mailbox.world, ANNA, "inbox", outer.as_bytes())
    path = f"me/messages/{id_}/attachments"

    (shown,) = (await mailbox.get(path))["value"]

    assert shown["@odata.type"] == "#microsoft.graph.itemAttachment"
    assert (shown["name"], shown["contentType"]) == ("Inner", None)
    assert "item" not in shown
    assert "contentBytes" not in shown
    expanded = await mailbox.get(
        f"{path}/{shown['id']}?$expand=microsoft.graph.itemattachment/item"
    )
    item = expanded["item"]
    assert (item["subject"], item["internetMessageId"]) == ("Inner", "<inner@x>")
    assert "attachments" not in item
    deeper = await mailbox.get(
        f"{path}/{shown['id']}"
        "?$expand=microsoft.graph.itemattachment/item"
        "($expand=microsoft.graph.message/attachments)"
    )
    assert deeper["item"]["attachments"][0]["contentBytes"] == "UERG"
    source = await mailbox.http.get(f"{path}/{shown['id']}/$value")
    assert source.content.startswith(b"Subject: Inner")


async def test_a_reference_has_no_content_and_its_url_in_beta_only(sample: Graph) -> None:
    id_ = graph.sample_id(sample.world, "reference-attachment")
    path = f"me/messages/{id_}/attachments"

    reference, _ = (await sample.get(path))["value"]

    assert reference["@odata.type"] == "#microsoft.graph.referenceAttachment"
    assert "sourceUrl" not in reference
    refused = await sample.refused(f"{path}/{reference['id']}/$value")
    assert refused[0] == 405
    beta = str(sample.http.base_url).replace("v1.0", "beta")
    shown = await sample.get(f"{beta}{path}/{reference['id']}")
    assert shown["sourceUrl"].startswith("https://meridian-my.sharepoint.example/")


async def test_inline_images_do_not_count_as_attachments(sample: Graph) -> None:
    id_ = graph.sample_id(sample.world, "inline-images")
    shown = await sample.get(f"me/messages/{id_}?{LIST}")
    assert {f["name"]: f["isInline"] for f in shown["attachments"]} == {
        "line.png": True,
        "image001.png": True,
        "reader-settings.txt": False,
    }
    only_inline = mailbox_with_only_inline(sample)
    assert (await sample.get(f"me/messages/{only_inline}"))["hasAttachments"] is False


def mailbox_with_only_inline(seen: Graph) -> str:
    message = EmailMessage()
    message.set_content("<img src='cid:x'>", subtype="html")
    message.add_related(b"PNG", "image", "png", cid="<x>", filename="x.png", disposition="inline")
    return graph.deliver_mail(seen.world, ANNA, "inbox", message.as_bytes())


async def test_an_attachments_id_belongs_to_its_message_in_either_form(mailbox: Graph) -> None:
    first = mailbox.mail(files=(("a.bin", b"abc"),))
    second = mailbox.mail(files=(("a.bin", b"abc"),))
    immutable = await mailbox.get(f"me/messages/{first}?{LIST}", Prefer='IdType="ImmutableId"')
    id_ = immutable["attachments"][0]["id"]

    assert (await mailbox.http.get(f"me/messages/{first}/attachments/{id_}")).status_code == 200
    refused = await mailbox.refused(f"me/messages/{second}/attachments/{id_}")
    assert refused == (404, "ErrorItemNotFound")
    refused = await mailbox.refused(f"me/messages/{first}/attachments/{id_.swapcase()}")
    assert refused == (400, "ErrorInvalidIdMalformed")
    mailbox.speak_as(BERND)
    assert (await mailbox.refused(f"me/messages/{first}/attachments/{id_}"))[0] == 404
