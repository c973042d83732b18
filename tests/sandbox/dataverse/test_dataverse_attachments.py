"""Files on activities and notes: sizes, types, order of blocks, and closed activities."""

import base64
from uuid import uuid4

import pytest

from sandbox.dataverse.sample import BLOCKED
from tests.sandbox.dataverse.calls import Crm, refusal

MEBIBYTE = 1024 * 1024
CLOSED = {"statecode": 1, "statuscode": 4}


def encoded(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


def on(email: str, **more: object) -> dict[str, object]:
    bind = {"objectid_email@odata.bind": f"/emails({email})"}
    return {"filename": "a.txt", "mimetype": "text/plain", "objecttypecode": "email"} | bind | more


@pytest.fixture
async def email(crm: Crm) -> str:
    return await crm.email()


async def set_limit(crm: Crm, **values: object) -> None:
    [row] = (await crm.found("organizations"))["value"]
    await crm.patch(f"organizations({row['organizationid']})", values)


async def test_the_organisation_tells_its_limits(crm):
    path = "organizations?$select=maxuploadfilesize,blockedattachments,orgdborgsettings"
    [row] = (await crm.found(path))["value"]
    assert row["maxuploadfilesize"] == 5_242_880
    assert {"exe", "js", "svg", "bat"} <= set(row["blockedattachments"].split(";"))
    assert "DistinctPhysicalAndLogicalDeletesForExchangeSync" in row["orgdborgsettings"]


async def test_a_file_is_stored_counted_and_read_back(crm, email):
    id_ = str(uuid4())
    made = await crm.make(
        "activitymimeattachments", **on(email, body="aGVsbG8=", activitymimeattachmentid=id_)
    )
    assert made == id_
    path = f"activitymimeattachments({id_})"
    row = await crm.found(f"{path}?$select=filename,filesize,mimetype,objecttypecode")
    assert (row["filename"], row["filesize"], row["objecttypecode"]) == ("a.txt", 5, "email")
    assert (await crm.found(f"{path}/body"))["value"] == "aGVsbG8="
    assert (await crm.get(f"{path}/body/$value")).text == "aGVsbG8="

    owner = await crm.found(
        f"emails({email})?$select=attachmentcount"
        "&$expand=email_activity_mime_attachment($select=filename,filesize)"
    )
    assert owner["attachmentcount"] == 1
    assert [f["filename"] for f in owner["email_activity_mime_attachment"]] == ["a.txt"]

    refusal(
        await crm.post("activitymimeattachments", on(email, activitymimeattachmentid=id_)),
        412,
        "0x80040237",
    )
    await crm.delete(path)
    assert (await crm.found(f"emails({email})"))["attachmentcount"] == 0


async def test_a_file_may_be_bound_to_any_activity(crm, email):
    appointment = await crm.appointment()
    for id_, table in ((email, "email"), (appointment, "appointment")):
        bind = {"objectid_activitypointer@odata.bind": f"/activitypointers({id_})"}
        made = await crm.make("activitymimeattachments", filename="a", body="aGk=", **bind)
        row = await crm.found(f"activitymimeattachments({made})")
        assert (row["_objectid_value"], row["objecttypecode"]) == (id_, table)


async def test_a_file_needs_an_activity_and_base64(crm, email):
    refusal(await crm.post("activitymimeattachments", {"filename": "a"}), 400, "0x80040203")
    refusal(await crm.post("activitymimeattachments", on(email, body="***")), 400, "0x80048d19")


async def test_the_limit_counts_base64(crm, email):
    largest = 5_242_880 // 4 * 3
    assert len(encoded(largest)) == 5_242_880
    path = "activitymimeattachments"
    assert (await crm.post(path, on(email, body=encoded(largest)))).status_code == 204
    message = refusal(await crm.post(path, on(email, body=encoded(largest + 1))), 400, "0x80044a02")
    assert message == "Attachment file size is too big."


@pytest.mark.parametrize("name", ["a.exe", "a.EXE", "a.pdf.js", "b.svg", "x.vsw"])
async def test_blocked_extensions(crm, email, name):
    message = refusal(
        await crm.post("activitymimeattachments", on(email, filename=name)), 400, "0x80043e09"
    )
    assert message == (
        "The attachment is either not a valid type or is too large. It cannot be uploaded or "
        "downloaded."
    )


async def test_changed_limits_hold_at_once(crm, email):
    await set_limit(crm, maxuploadfilesize=8, blockedattachments=f"{BLOCKED};txt")
    refusal(await crm.post("activitymimeattachments", on(email, body="aGk=")), 400, "0x80043e09")
    long = on(email, filename="a.bin", body="aGVsbG8gaGVsbG8=")
    refusal(await crm.post("activitymimeattachments", long), 400, "0x80044a02")


async def test_files_of_a_closed_activity_stay_as_they_are(crm, email):
    file = await crm.make("activitymimeattachments", **on(email, body="aGk="))
    await crm.patch(f"emails({email})", CLOSED)
    path = f"activitymimeattachments({file})"
    for answer in (
        await crm.post("activitymimeattachments", on(email, body="aGk=")),
        await crm.patch(path, {"filename": "b.txt"}),
        await crm.delete(path),
        await crm.post("InitializeAttachmentBlocksUpload", {"Target": on(email)}),
    ):
        refusal(answer, 400, "0x8004022e")
    assert (await crm.found(f"emails({email})"))["attachmentcount"] == 1


async def begin(crm: Crm, target: dict[str, object]) -> str:
    answer = await crm.post("InitializeAttachmentBlocksUpload", {"Target": target})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["@odata.context"].endswith("InitializeAttachmentBlocksUploadResponse")
    token: str = body["FileContinuationToken"]
    return token


def block(token: str, name: str, content: bytes) -> dict[str, str]:
    data = base64.b64encode(content).decode()
    return {"BlockId": name, "BlockData": data, "FileContinuationToken": token}


def commit(token: str, blocks: list[str], target: dict[str, object]) -> dict[str, object]:
    return {"Target": target, "BlockList": blocks, "FileContinuationToken": token}


async def test_blocks_are_put_together_in_the_order_of_the_list(crm, email):
    await set_limit(crm, maxuploadfilesize=131_072_000)
    id_ = str(uuid4())
    target = on(email, filename="big.pdf", activitymimeattachmentid=id_)
    token = await begin(crm, target)
    first, second = b"1" * 4 * MEBIBYTE, b"2" * MEBIBYTE
    for name, content in (("b2", second), ("b1", first)):
        answer = await crm.post("UploadBlock", block(token, name, content))
        assert (answer.status_code, answer.content) == (204, b"")

    done = await crm.post("CommitAttachmentBlocksUpload", commit(token, ["b1", "b2"], target))

    assert done.status_code == 200
    assert done.json()["FileSizeInBytes"] == 5 * MEBIBYTE
    assert done.json()["ActivityMimeAttachmentId"] == id_
    body = (await crm.found(f"activitymimeattachments({id_})/body"))["value"]
    assert base64.b64decode(body) == first + second
    assert (await crm.found(f"emails({email})"))["attachmentcount"] == 1

    again = await begin(crm, target)
    await crm.post("UploadBlock", block(again, "b1", b"x"))
    refusal(
        await crm.post("CommitAttachmentBlocksUpload", commit(again, ["b1"], target)),
        412,
        "0x80040237",
    )


async def test_what_an_upload_in_blocks_refuses(crm, email):
    target = on(email)
    exe = on(email, filename="a.exe")
    refusal(await crm.post("InitializeAttachmentBlocksUpload", {"Target": exe}), 400, "0x80043e09")
    token = await begin(crm, target)
    big = block(token, "b1", bytes(4 * MEBIBYTE + 1))
    refusal(await crm.post("UploadBlock", big), 400, "0x80040203")
    refusal(await crm.post("UploadBlock", block("nope", "b1", b"x")), 400, "0x80040203")
    bad = {"BlockId": "b1", "BlockData": "*", "FileContinuationToken": token}
    refusal(await crm.post("UploadBlock", bad), 400, "0x80040203")
    await crm.post("UploadBlock", block(token, "b1", b"x"))
    message = refusal(
        await crm.post("CommitAttachmentBlocksUpload", commit(token, ["b1", "b2"], target)),
        400,
        "0x80040203",
    )
    assert "block 'b2' was not uploaded" in message
    other = await crm.post(
        "CommitAttachmentBlocksUpload",
        commit(token, ["b1"], target),
        user="henry.whitfield@contoso.example",
    )
    refusal(other, 400, "0x80040203")
    refusal(await crm.get("UploadBlock"), 405, "0x80060888")


async def test_the_limit_holds_for_blocks_too(crm, email):
    token = await begin(crm, on(email))
    for name in ("b1", "b2"):
        await crm.post("UploadBlock", block(token, name, bytes(2 * MEBIBYTE)))
    answer = await crm.post("CommitAttachmentBlocksUpload", commit(token, ["b1", "b2"], on(email)))
    refusal(answer, 400, "0x80044a02")


async def test_notes_hold_text_and_files(crm, email):
    note = await crm.make(
        "annotations", subject="Link", notetext="https://files.example/x", filename="a.txt",
        documentbody="aGk=", **{"objectid_email@odata.bind": f"/emails({email})"},
    )  # fmt: skip
    row = await crm.found(f"annotations({note})")
    assert (row["isdocument"], row["filesize"], row["objecttypecode"]) == (True, 2, "email")
    notes = await crm.found(f"emails({email})/Email_Annotation?$select=subject")
    assert [n["subject"] for n in notes["value"]] == ["Link"]
    refusal(await crm.post("annotations", {"filename": "a.exe"}), 400, "0x80043e09")
