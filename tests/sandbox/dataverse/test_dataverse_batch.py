"""$batch: order, change sets, references, errors and limits."""

import json
import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from sandbox.dataverse import rows
from sandbox.entra import tokens
from tests.sandbox.dataverse.calls import ANNA, ROOT, Crm, change_set, part, refusal

V92 = "/api/data/v9.2/"


def statuses(answer: httpx.Response) -> list[int]:
    return [int(s) for s in re.findall(r"^HTTP/1\.1 (\d+)", answer.text, re.MULTILINE)]


def bodies(answer: httpx.Response) -> list[Any]:
    return [json.loads(line) for line in answer.text.split("\r\n") if line.startswith("{")]


async def test_requests_run_one_after_the_other(crm):
    key = str(uuid4())
    answer = await crm.batch(
        part("GET", f"{V92}accounts?$select=name&$top=1"),
        part("POST", f"{V92}accounts", {"accountid": key, "name": "New"}),
        part("GET", f"https://localhost:7443/dataverse{V92}accounts({key})?$select=name"),
        part("GET", f"accounts({key})/name"),
    )

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("multipart/mixed; boundary=batchresponse_")
    assert statuses(answer) == [200, 204, 200, 200]
    assert bodies(answer)[1]["name"] == "New"
    assert "\n" not in answer.text.replace("\r\n", "")


async def test_a_whole_save_in_one_change_set(crm):
    key, contact = str(uuid4()), crm.world.company.contacts[0].id
    answer = await crm.batch(
        change_set(
            part("POST", f"{V92}emails", {
                "activityid": key, "subject": "Saved", "directioncode": False,
                "email_activity_parties": [
                    {"partyid_contact@odata.bind": f"/contacts({contact})",
                     "participationtypemask": 1}]}, "1"),
            part("POST", f"{V92}activitymimeattachments", {
                "objectid_activitypointer@odata.bind": "$1", "filename": "a.txt",
                "body": "aGk=", "objecttypecode": "email"}, "2"),
            part("PATCH", "$1", {"statecode": 1, "statuscode": 4}, "3"),
        ),
        part("GET", f"{V92}emails({key})?$select=statuscode,attachmentcount"),
    )  # fmt: skip

    assert answer.status_code == 200
    assert statuses(answer) == [204, 204, 204, 200]
    assert re.findall(r"^Content-ID: (\d)", answer.text, re.MULTILINE) == ["1", "2", "3"]
    assert "boundary=changesetresponse_" in answer.text
    assert bodies(answer)[-1]["statuscode"] == 4
    assert bodies(answer)[-1]["attachmentcount"] == 1


async def test_content_ids_stand_for_rows_in_bodies_too(crm):
    answer = await crm.batch(
        change_set(
            part("POST", "accounts", {"name": "Account name"}, "1"),
            part("POST", "contacts", {"lastname": "Last"}, "2"),
            part("PATCH", "$1", {"primarycontactid@odata.bind": "$2"}, "3"),
        )
    )
    assert statuses(answer) == [204, 204, 204]
    [row] = (await crm.found("accounts?$filter=name eq 'Account name'"))["value"]
    assert row["_primarycontactid_value"]


async def test_a_failed_change_set_leaves_nothing_and_answers_once(crm):
    answer = await crm.batch(
        change_set(
            part("POST", "tasks", {"subject": "fine"}, "1"),
            part("POST", "tasks", {"subject": "x" * 201}, "2"),
        ),
        part("GET", "tasks"),
    )
    assert answer.status_code == 400
    assert statuses(answer) == [400]
    assert "multipart" not in answer.text.partition("\r\n\r\n")[0]
    assert bodies(answer)[0]["error"]["code"] == "0x80044331"
    assert (await crm.get("tasks/$count")).text == "0"


async def test_what_a_failed_change_set_deleted_is_found_again(crm):
    account = crm.world.company.accounts[0].id
    bind = {"regardingobjectid_account_email@odata.bind": f"/accounts({account})"}
    email = await crm.email(messageid="<kept@x.example>", **bind)
    rows.forget(crm.world)
    answer = await crm.batch(
        change_set(
            part("DELETE", f"accounts({account})", content_id="1"),
            part("POST", "tasks", {"subject": "x" * 201}, "2"),
        )
    )
    assert answer.status_code == 400
    for path in (
        "emails?$filter=messageid eq '<kept@x.example>'",
        f"emails?$filter=_regardingobjectid_value eq {account}",
        f"accounts({account})/Account_Emails",
    ):
        assert [row["activityid"] for row in (await crm.found(path))["value"]] == [email]


async def test_the_first_error_ends_the_batch(crm):
    answer = await crm.batch(
        part("POST", "tasks", {"subject": "one"}),
        part("POST", "tasks", {"subject": "x" * 201}),
        part("POST", "tasks", {"subject": "three"}),
    )
    assert answer.status_code == 400
    assert statuses(answer) == [204, 400]
    assert (await crm.get("tasks/$count")).text == "1"


async def test_the_batch_goes_on_where_that_is_preferred(crm):
    answer = await crm.batch(
        part("POST", "tasks", {"subject": "x" * 201}),
        change_set(part("POST", "tasks", {"subject": "y" * 201}, "1")),
        part("POST", "tasks", {"subject": "three"}),
        headers={"Prefer": "odata.continue-on-error"},
    )
    assert answer.status_code == 200
    assert statuses(answer) == [400, 400, 204]


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        ([part("GET", "accounts", content_id="1")], "An invalid HTTP method 'GET'"),
        ([part("POST", "tasks", {"subject": "x"})], "'Content-ID' was not present"),
        ([part("PATCH", "$1", {"subject": "x"}, "1")],
         "Content-ID Reference: '$1' does not exist in the batch context."),
        ([part("PATCH", "$2", {"subject": "x"}, "1"), part("POST", "tasks", {"subject": "x"}, "2")],
         "Content-ID Reference: '$2' does not exist in the batch context."),
        ([part("POST", "tasks", {"subject": "x"}, "1"), part("POST", "tasks", {}, "1")],
         "found more than once"),
        ([part("POST", "tasks", {"regardingobjectid_account_task@odata.bind": "$7"}, "1")],
         "Content-ID Reference: '$7' does not exist in the batch context."),
    ],
)  # fmt: skip
async def test_what_a_change_set_does_not_take(crm, requests, message):
    answer = await crm.batch(change_set(*requests))
    assert answer.status_code == 400
    assert message in bodies(answer)[0]["error"]["message"]
    assert (await crm.get("tasks/$count")).text == "0"


async def test_a_reference_ends_with_its_change_set(crm):
    answer = await crm.batch(
        change_set(part("POST", "tasks", {"subject": "x"}, "1")), part("GET", "$1")
    )
    assert statuses(answer) == [204, 400]


async def test_at_most_1000_requests(crm):
    request = part("GET", "new_regions/$count")
    answer = await crm.batch(*[request] * 1000)
    assert statuses(answer) == [200] * 1000
    refusal(await crm.batch(*[request] * 1001), 400, "0x80060888")
    many = [part("POST", "tasks", {"subject": "x"}, str(i)) for i in range(1001)]
    refusal(await crm.batch(change_set(*many)), 400, "0x80060888")


async def test_a_url_in_a_batch_may_have_65536_characters(crm):
    condition = "accounts?$filter=contains(name,'" + "x" * 65_000 + "')"
    assert statuses(await crm.batch(part("GET", condition))) == [200]
    assert statuses(await crm.batch(part("GET", condition + " " * 1000))) == [414]


async def post(crm: Crm, content: bytes, content_type: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {tokens.issue(crm.world, ANNA, 'dataverse')}"}
    return await crm.http.post(
        f"{ROOT}$batch", content=content, headers=headers | {"Content-Type": content_type}
    )


async def test_lines_end_in_crlf(crm):
    content = b"--b\r\n" + part("GET", "accounts?$top=1") + b"\r\n--b--\r\n"
    assert (await post(crm, content, "multipart/mixed; boundary=b")).status_code == 200
    bare = content.replace(b"\r\n", b"\n")
    message = refusal(await post(crm, bare, "multipart/mixed; boundary=b"), 400, "0x80060888")
    assert "CRLF" in message


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"--b\r\n\r\n--b--", "application/json"),
        (b"--b\r\n\r\n--b--", "multipart/mixed"),
        (b"", "multipart/mixed; boundary=b"),
        (b"nonsense", "multipart/mixed; boundary=b"),
        (b"--b\r\n" + part("GET", "accounts") + b"\r\n", "multipart/mixed; boundary=b"),
    ],
)
async def test_a_batch_that_can_not_be_read(crm, content, content_type):
    refusal(await post(crm, content, content_type), 400, "0x80060888")


async def test_parts_that_are_no_requests(crm):
    answer = await crm.batch(
        b"Content-Type: text/plain\r\n\r\nGET accounts HTTP/1.1\r\n\r\n",
        b"Content-Type: application/http\r\n\r\nnonsense\r\n\r\n",
        headers={"Prefer": "odata.continue-on-error"},
    )
    assert statuses(answer) == [400, 400]


async def test_only_post_goes_to_batch(crm):
    refusal(await crm.get("$batch"), 405, "0x80060888")


async def test_html_with_line_ends_and_other_scripts_survives(crm):
    html = "<p>żółć 日本 😀</p>\r\n--batch\r\n\r\n<p>'\"</p>"
    key = str(uuid4())
    body = {"activityid": key, "subject": "x", "description": html}
    await crm.batch(change_set(part("POST", "emails", body, "1")))
    assert (await crm.found(f"emails({key})"))["description"] == html
