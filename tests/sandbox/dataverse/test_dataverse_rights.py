"""Who gets in, who sees what, who may write, and who may act for others."""

import pytest

from sandbox.dataverse.sample import APPLICATION_USER, user_id
from tests.sandbox.dataverse.calls import ANNA, ROOT, Crm, change_set, part, refusal

DIEGO = "diego.fernandez@contoso.example"
"""Sees only his own records."""
JAKUB = "jakub.nowak@contoso.example"
"""Reads everything, writes nothing."""
GRACE = "grace.okafor@contoso.example"
"""Has a mailbox but no CRM licence."""
APP = None


def oid(crm: Crm, address: str) -> str:
    return next(p.oid for p in crm.world.company.employees if p.address == address)


def as_(crm: Crm, address: str) -> dict[str, str]:
    return {"CallerObjectId": oid(crm, address)}


@pytest.fixture
async def annas(crm: Crm) -> str:
    contact = crm.world.company.contacts[0].id
    parties = [
        {
            "partyid_contact@odata.bind": f"/contacts({contact})",
            "participationtypemask": 1,
        }
    ]
    return await crm.email(messageid="<m@x.example>", email_activity_parties=parties)


async def test_a_call_without_a_token_is_challenged(crm):
    answer = await crm.http.get(f"{ROOT}accounts")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


async def test_users_map_by_their_entra_object_id(crm):
    me = await crm.found("WhoAmI()")
    row = await crm.found(f"systemusers({me['UserId']})")
    assert (row["internalemailaddress"], row["isdisabled"]) == (ANNA, False)
    assert row["azureactivedirectoryobjectid"] == oid(crm, ANNA)


async def test_no_licence_and_disabled_users_stay_out(crm):
    message = refusal(await crm.get("accounts", user=GRACE), 403, "0x80072560")
    assert message == "The user is not a member of the organization."
    await crm.patch(f"systemusers({user_id(DIEGO)})", {"isdisabled": True})
    assert "disabled" in refusal(await crm.get("accounts", user=DIEGO), 403, "0x80040225")


async def test_the_owner_sees_and_another_user_with_own_rights_does_not(crm, annas):
    path = f"emails({annas})"
    assert (await crm.get(path, user=JAKUB)).status_code == 200
    message = refusal(await crm.get(path, user=DIEGO), 403, "0x80040220")
    assert "SecLib::AccessCheckEx failed" in message
    query = "emails?$filter=messageid eq '<m@x.example>'"
    assert (await crm.found(query, user=DIEGO))["value"] == []
    refusal(await crm.patch(path, {"subject": "x"}, user=DIEGO), 403, "0x80040220")
    refusal(await crm.delete(path, user=DIEGO), 403, "0x80040220")
    refusal(await crm.get(f"{path}/subject", user=DIEGO), 403, "0x80040220")
    parties = await crm.found(f"activityparties?$filter=_activityid_value eq {annas}", user=DIEGO)
    assert parties["value"] == []


async def test_own_rights_cover_lists_links_and_expansions(crm, annas):
    own = {c.id for c in crm.world.company.accounts if c.owner == DIEGO}
    listed = await crm.found("accounts?$select=name", user=DIEGO)
    assert {row["accountid"] for row in listed["value"]} == own
    assert int((await crm.get("accounts/$count", user=DIEGO)).text) == len(own)

    other = next(a.id for a in crm.world.company.accounts if a.owner != DIEGO)
    body = {
        "subject": "x",
        "regardingobjectid_account_email@odata.bind": f"accounts({other})",
    }
    refusal(await crm.post("emails", body, user=DIEGO), 403, "0x80040220")

    mine = await crm.post("emails", {"subject": "mine"}, user=DIEGO)
    path = mine.headers["OData-EntityId"].partition("/v9.2/")[2]
    assert (await crm.get(path, user=DIEGO)).status_code == 200
    bind = {"regardingobjectid_account_email@odata.bind": f"accounts({other})"}
    await crm.patch(path, bind)
    row = await crm.found(f"{path}?$expand=regardingobjectid_account_email", user=DIEGO)
    assert row["_regardingobjectid_value"] == other
    assert row["regardingobjectid_account_email"] is None


async def test_a_key_taken_by_an_invisible_record_is_taken(crm, annas):
    body = {"activityid": annas, "subject": "again"}
    refusal(await crm.post("emails", body, user=DIEGO), 412, "0x80040237")


async def test_who_may_not_write_is_told_which_privilege_is_missing(crm, annas):
    attempts = [
        (await crm.post("emails", {"subject": "x"}, user=JAKUB), "prvCreateActivity"),
        (await crm.patch(f"emails({annas})", {"subject": "x"}, user=JAKUB), "prvWriteActivity"),
        (await crm.delete(f"emails({annas})", user=JAKUB), "prvDeleteActivity"),
        (await crm.post("accounts", {"name": "x"}, user=JAKUB), "prvCreateAccount"),
        (
            await crm.put(f"emails({annas})/email_activity_parties", {"value": []}, user=JAKUB),
            "prvWriteActivity",
        ),
        (await crm.post("InitializeAttachmentBlocksUpload", {}, user=JAKUB), "prvCreateActivity"),
    ]
    for answer, privilege in attempts:
        assert f"is missing {privilege} privilege" in refusal(answer, 403, "0x80040220")
    batch = await crm.batch(change_set(part("POST", "emails", {"subject": "x"}, "1")), user=JAKUB)
    assert batch.status_code == 400
    assert "HTTP/1.1 403" in batch.text


async def test_the_app_has_a_user_of_its_own(crm):
    assert (await crm.found("WhoAmI()", user=APP))["UserId"] == APPLICATION_USER


async def test_the_app_acts_for_a_user_with_that_users_rights(crm, annas):
    headers = as_(crm, ANNA)
    assert (await crm.found("WhoAmI()", user=APP, headers=headers))["UserId"] == user_id(ANNA)
    made = await crm.post("emails", {"subject": "x"}, user=APP, headers=headers)
    row = await crm.found(made.headers["OData-EntityId"].partition("/v9.2/")[2])
    assert row["_createdby_value"] == row["_ownerid_value"] == user_id(ANNA)
    assert row["_createdonbehalfby_value"] == APPLICATION_USER

    refusal(await crm.get(f"emails({annas})", user=APP, headers=as_(crm, DIEGO)), 403, "0x80040220")
    refusal(
        await crm.post("emails", {"subject": "x"}, user=APP, headers=as_(crm, JAKUB)),
        403,
        "0x80040220",
    )
    refusal(await crm.get("accounts", user=APP, headers=as_(crm, GRACE)), 403, "0x80072560")
    by_id = {"MSCRMCallerID": user_id(DIEGO)}
    assert (await crm.found("WhoAmI()", user=APP, headers=by_id))["UserId"] == user_id(DIEGO)
    nobody = {"MSCRMCallerID": "nonsense"}
    refusal(await crm.get("accounts", user=APP, headers=nobody), 403, "0x80072560")


async def test_users_may_not_act_for_others(crm):
    for headers in (as_(crm, DIEGO), {"MSCRMCallerID": user_id(DIEGO)}):
        message = refusal(await crm.get("accounts", headers=headers), 403, "0x80040220")
        assert "prvActOnBehalfOfAnotherUser" in message
