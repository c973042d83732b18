"""E-mails and appointments: states, parties, what is read-only when, and cancelled meetings."""

import pytest

from sandbox.dataverse import calendar
from tests.sandbox.dataverse.calls import ANNA, Crm, refusal

SENT, RECEIVED = {"statecode": 1, "statuscode": 3}, {"statecode": 1, "statuscode": 4}
REOPENED = {"statecode": 0, "statuscode": 1}
READ_ONLY = "The object cannot be updated because it is read-only."


def party(mask: int, table: str = "", id_: str = "", address: str = "") -> dict[str, object]:
    link = {f"partyid_{table}@odata.bind": f"/{table}s({id_})"} if table else {}
    return link | ({"addressused": address} if address else {}) | {"participationtypemask": mask}


async def parties_of(crm: Crm, path: str) -> list[tuple[int, str | None, str | None]]:
    name = "email_activity_parties" if path.startswith("emails") else "appointment_activity_parties"
    row = await crm.found(f"{path}?$expand={name}")
    return [(p["participationtypemask"], p["_partyid_value"], p.get("addressused"))
            for p in row[name]]  # fmt: skip


@pytest.fixture
def contact(crm: Crm) -> str:
    return crm.world.company.contacts[0].id


@pytest.fixture
async def me(crm: Crm) -> str:
    user: str = (await crm.found("WhoAmI()"))["UserId"]
    return user


async def test_the_state_is_not_valid_on_create(crm):
    body = {"subject": "x"}
    refusal(await crm.post("emails", {**body, **RECEIVED}), 400, "0x80048408")
    refusal(await crm.post("emails", {**body, "statecode": 0}), 400, "0x80048408")
    message = refusal(await crm.post("emails", {**body, "statuscode": 4}), 400, "0x80048408")
    assert "4 is not a valid status code for state code EmailState.Open on email" in message
    assert (await crm.post("emails", {**body, "statuscode": 8})).status_code == 204


@pytest.mark.parametrize(
    ("state", "status", "valid"),
    [(0, 1, True), (0, 8, True), (1, 2, True), (1, 3, True), (1, 4, True), (1, 6, True),
     (1, 7, True), (2, 5, True), (0, 3, False), (1, 1, False), (1, 5, False), (2, 4, False)],
)  # fmt: skip
async def test_states_and_statuses_of_an_email(crm, state, status, valid):
    email = await crm.email()
    answer = await crm.patch(f"emails({email})", {"statecode": state, "statuscode": status})
    if valid:
        assert answer.status_code == 204
        row = await crm.found(f"emails({email})")
        assert (row["statecode"], row["statuscode"]) == (state, status)
    else:
        refusal(answer, 400, "0x80048408")


@pytest.mark.parametrize(
    ("state", "status", "valid"),
    [(0, 1, True), (0, 2, True), (1, 3, True), (2, 4, True), (3, 5, True), (3, 6, True),
     (0, 3, False), (1, 4, False), (3, 1, False)],
)  # fmt: skip
async def test_states_and_statuses_of_an_appointment(crm, state, status, valid):
    path = f"appointments({await crm.appointment()})"
    answer = await crm.patch(path, {"statecode": state, "statuscode": status})
    assert answer.status_code == (204 if valid else 400), answer.text


async def test_a_state_alone_brings_its_first_status(crm):
    email = await crm.email()
    await crm.patch(f"emails({email})", {"statecode": 1})
    assert (await crm.found(f"emails({email})"))["statuscode"] == 2


async def test_a_completed_email_is_read_only_until_it_is_reopened(crm, contact):
    email = await crm.email(email_activity_parties=[party(1, "contact", contact)])
    path = f"emails({email})"
    assert (await crm.patch(path, {"subject": "closing", **RECEIVED})).status_code == 204
    before = await crm.found(path)
    assert before["actualend"]

    bind = {"regardingobjectid_contact_email@odata.bind": f"contacts({contact})"}
    attempts = [
        await crm.patch(path, {"subject": "changed"}),
        await crm.patch(path, bind),
        await crm.patch(path, {"new_topic": 100_000_000}),
        await crm.patch(path, {"subject": "changed", **REOPENED}),
        await crm.put(f"{path}/subject", {"value": "changed"}),
        await crm.put(f"{path}/email_activity_parties", {"value": []}),
        await crm.put(
            f"{path}/regardingobjectid_contact_email/$ref", {"@odata.id": f"contacts({contact})"}
        ),
    ]
    for answer in attempts:
        assert refusal(answer, 400, "0x8004022e") == READ_ONLY
    assert await crm.found(path) == before

    assert (await crm.patch(path, REOPENED)).status_code == 204
    assert (await crm.patch(path, {"subject": "changed", **bind})).status_code == 204
    assert (await crm.patch(path, SENT)).status_code == 204
    after = await crm.found(path)
    assert (after["subject"], after["_regardingobjectid_value"]) == ("changed", contact)
    assert (await crm.delete(path)).status_code == 204


@pytest.mark.parametrize("closed", [{"statecode": 1}, {"statecode": 2}])
async def test_a_closed_appointment_is_read_only(crm, closed):
    path = f"appointments({await crm.appointment()})"
    assert (await crm.patch(path, closed)).status_code == 204
    refusal(await crm.patch(path, {"subject": "changed"}), 400, "0x8004022e")
    refusal(await crm.put(f"{path}/appointment_activity_parties", {"value": []}), 400, "0x8004022e")


async def test_a_scheduled_appointment_can_be_changed(crm):
    path = f"appointments({await crm.appointment()})"
    await crm.patch(path, {"statecode": 3})
    assert (await crm.patch(path, {"subject": "changed"})).status_code == 204


@pytest.mark.parametrize(
    ("missing", "code"),
    [("subject", "0x8004203e"), ("scheduledstart", "0x80040275"), ("scheduledend", "0x80040275")],
)
async def test_what_an_appointment_needs(crm, missing, code):
    body = {"subject": "x", "scheduledstart": "2026-02-02T09:00:00Z",
            "scheduledend": "2026-02-02T10:00:00Z"}  # fmt: skip
    del body[missing]
    refusal(await crm.post("appointments", body), 400, code)
    path = f"appointments({await crm.appointment()})"
    refusal(await crm.patch(path, {missing: None}), 400, code)


async def test_an_appointment_ends_after_it_starts(crm):
    same = "2026-02-02T09:00:00Z"
    assert await crm.appointment(scheduledstart=same, scheduledend=same)
    early = {"subject": "x", "scheduledstart": same, "scheduledend": "2026-02-02T08:59:00Z"}
    refusal(await crm.post("appointments", early), 400, "0x80040203")


async def test_the_server_adds_owner_and_regarding_and_fills_in_addresses(crm, contact, me):
    account = crm.world.company.accounts[0]
    email = await crm.email(
        email_activity_parties=[party(1, "contact", contact), party(2, address="x@y.example")],
        **{"regardingobjectid_account_email@odata.bind": f"accounts({account.id})"},
    )
    path = f"emails({email})"
    assert await parties_of(crm, path) == [
        (1, contact, "margaret.ellison@harbourline.example"),
        (2, None, "x@y.example"),
        (9, me, ANNA),
        (8, account.id, account.email),
    ]
    row = await crm.found(path)
    assert (row["sender"], row["torecipients"]) == (
        "margaret.ellison@harbourline.example", "x@y.example"
    )  # fmt: skip

    await crm.patch(path, {"regardingobjectid_account_email@odata.bind": None})
    assert 8 not in [mask for mask, _, _ in await parties_of(crm, path)]


async def test_all_parties_are_replaced_at_once(crm, contact, me):
    email = await crm.email(email_activity_parties=[party(1, "contact", contact)])
    path = f"emails({email})"
    new = [party(2, "contact", contact), party(3, address="c@d.example")]
    answer = await crm.put(f"{path}/email_activity_parties", {"value": new})
    assert answer.status_code == 204
    assert sorted(await parties_of(crm, path), key=lambda p: p[0]) == [
        (2, contact, "margaret.ellison@harbourline.example"),
        (3, None, "c@d.example"),
        (9, me, ANNA),
    ]
    bad = [party(2, address="z@z.example"), party(5, address="z@z.example")]
    refusal(await crm.put(f"{path}/email_activity_parties", {"value": bad}), 400, "0x80043515")
    assert len(await parties_of(crm, path)) == 3


@pytest.mark.parametrize("mask", [5, 6, 7, 8, 9, 10, 11])
async def test_roles_that_an_email_does_not_take(crm, mask):
    body = {"subject": "x", "email_activity_parties": [party(mask, address="a@b.example")]}
    assert refusal(await crm.post("emails", body), 400, "0x80043515") == "Invalid party mapping."


@pytest.mark.parametrize(
    ("mask", "taken"), [(5, True), (6, True), (7, True), (1, False), (2, False)]
)
async def test_roles_of_an_appointment(crm, mask, taken):
    body = {"subject": "x", "scheduledstart": "2026-02-02T09:00:00Z",
            "scheduledend": "2026-02-02T10:00:00Z",
            "appointment_activity_parties": [party(mask, address="a@b.example")]}  # fmt: skip
    answer = await crm.post("appointments", body)
    assert answer.status_code == (204 if taken else 400), answer.text


async def test_who_may_be_a_party(crm, contact, me):
    opportunity = crm.world.company.opportunities[0].id
    body = {"subject": "x", "directioncode": True}

    def sender(table: str, id_: str) -> dict[str, object]:
        return body | {"email_activity_parties": [party(1, table, id_)]}

    assert (await crm.post("emails", sender("systemuser", me))).status_code == 204
    queue = crm.world.company.queues[0].id
    assert (await crm.post("emails", sender("queue", queue))).status_code == 204
    refusal(await crm.post("emails", sender("contact", contact)), 400, "0x80043506")
    received = sender("contact", contact) | {"directioncode": False}
    assert (await crm.post("emails", received)).status_code == 204
    bind = {"partyid_opportunity@odata.bind": f"opportunities({opportunity})"}
    to = body | {"email_activity_parties": [bind | {"participationtypemask": 2}]}
    refusal(await crm.post("emails", to), 400, "0x80043506")
    nobody = body | {"email_activity_parties": [{"participationtypemask": 2}]}
    refusal(await crm.post("emails", nobody), 400, "0x80040203")
    long = body | {"email_activity_parties": [party(2, address="x" * 201)]}
    refusal(await crm.post("emails", long), 400, "0x80044331")


async def test_parties_are_only_listed(crm, contact):
    email = await crm.email(email_activity_parties=[party(1, "contact", contact)])
    listed = await crm.found(
        f"activityparties?$filter=_activityid_value eq {email} and participationtypemask eq 1"
    )
    id_ = listed["value"][0]["activitypartyid"]
    for answer in (
        await crm.get(f"activityparties({id_})"),
        await crm.post("activityparties", party(2, address="x@y.example")),
        await crm.patch(f"activityparties({id_})", {"addressused": "x@y.example"}),
        await crm.delete(f"activityparties({id_})"),
    ):
        assert "does not support entities of type 'activityparty'" in refusal(
            answer, 400, "0x80040800"
        )


async def test_a_big_body_is_taken_whole(crm):
    text = "<p>" + "ä" * 2_000_000 + "</p>"
    email = await crm.email(description=text)
    assert (await crm.found(f"emails({email})/description"))["value"] == text


async def test_mail_is_never_sent_from_here(crm):
    path = f"emails({await crm.email()})/Microsoft.Dynamics.CRM.SendEmail"
    refusal(await crm.post(path, {"IssueSend": True}), 501, "0x80060888")


async def test_the_check_before_promoting_an_email(crm):
    await crm.email(messageid="<known@x.example>")
    path = "CheckPromoteEmail(MessageId=@p1,Subject=@p2,DirectionCode=@p3)"
    known = await crm.found(path, **{"@p1": "'<known@x.example>'", "@p2": "'x'", "@p3": "1"})
    new = await crm.found(path, **{"@p1": "'<new@x.example>'", "@p2": "'x'", "@p3": "1"})
    assert (known["ShouldPromote"], known["ReasonCode"]) == (False, 0)
    assert new["ShouldPromote"] is True


_ICS = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Contoso//EN\r
BEGIN:VEVENT\r
UID:meeting-1@contoso.example\r
DTSTAMP:20260105T090000Z\r
DTSTART:20260202T090000Z\r
DTEND:20260202T100000Z\r
SUMMARY:Review\r
ORGANIZER:mailto:anna.kowalska@contoso.example\r
END:VEVENT\r
END:VCALENDAR\r
"""


@pytest.mark.parametrize(
    ("synced", "setting", "cancelled"),
    [(True, "false", True), (True, "true", False), (False, "false", False)],
)
@pytest.mark.parametrize("deleted", [True, False])
async def test_ending_a_synchronised_appointment_cancels_the_meeting(
    crm, synced, setting, cancelled, deleted
):
    from sandbox import graph

    graph.deliver_meeting(crm.world, ANNA, _ICS.encode())
    appointment = await crm.appointment(globalobjectid="meeting-1@contoso.example")
    if synced:
        calendar.mark_synced(crm.world, appointment)
        assert (await crm.found(f"appointments({appointment})"))["exchangeitemid"]
    organization = (await crm.found("organizations"))["value"][0]
    name = "DistinctPhysicalAndLogicalDeletesForExchangeSync"
    settings = f"<OrgSettings><{name}>{setting}</{name}></OrgSettings>"
    await crm.patch(
        f"organizations({organization['organizationid']})", {"orgdborgsettings": settings}
    )

    path = f"appointments({appointment})"
    answer = await (crm.delete(path) if deleted else crm.patch(path, {"statecode": 2}))
    assert answer.status_code == 204

    [event] = crm.world.store.all("graph", "events")
    assert event["fields"]["isCancelled"] is cancelled


async def test_the_handle_that_marks_an_appointment_as_synchronised(crm):
    appointment = await crm.appointment()
    path = "https://localhost:7443/sandbox/dataverse/appointments/{}/synced"
    assert (await crm.http.post(path.format(appointment))).status_code == 204
    assert (await crm.found(f"appointments({appointment})"))["exchangeitemid"]
    assert (await crm.http.post(path.format("x"))).status_code == 404
