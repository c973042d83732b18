"""The activity tables: CDM's columns, made writable or not as the table reference says.

Learn, "Dataverse table/entity reference": email, appointment, task, activitypointer,
activityparty, activitymimeattachment, annotation.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sandbox.dataverse.schema.cdm import cdm_columns
from sandbox.dataverse.schema.columns import (
    choice,
    columns,
    custom,
    fixed,
    flag,
    key,
    lookup,
    memo,
    options,
    owned,
    states,
    text,
    when,
    whole,
)
from sandbox.dataverse.schema.model import Column, Option, OptionSet, Table, Target

REGARDING = ("account", "contact", "lead", "opportunity", "incident", "new_project")
PARTIES = ("account", "contact", "lead", "queue", "systemuser")
"""The tables whose rows a client may name as sender, recipient or attendee."""

_PRIORITIES = options("activitypointer_prioritycode", {0: "Low", 1: "Normal", 2: "High"})

LANGUAGES = (1033, 1031, 1045, 1036, 1041)
"""English, German, Polish, French, Japanese."""

TOPICS = OptionSet(
    "new_topic",
    tuple(
        Option(100_000_000 + i, labels[0], labels=dict(zip(LANGUAGES, labels, strict=True)))
        for i, labels in enumerate(
            (
                ("Sales", "Vertrieb", "Sprzedaż", "Ventes", "営業"),
                ("Support", "Support", "Wsparcie", "Assistance", "サポート"),
                ("Complaint", "Beschwerde", "Reklamacja", "Réclamation", "苦情"),
                ("Contract", "Vertrag", "Umowa", "Contrat", "契約"),
            )
        )
    ),
    is_global=True,
)


def _plural(table: str) -> str:
    return {"email": "Emails", "appointment": "Appointments", "task": "Tasks"}[table]


def _regarding(activity: str) -> Column:
    """Navigation properties are `regardingobjectid_<table>_<activity>`, on the pointer without the
    activity; collections are `Account_Emails` and the like."""
    targets = []
    for table in REGARDING:
        if activity == "activitypointer":
            name, many = f"regardingobjectid_{table}", "ActivityPointers"
        else:
            name, many = f"regardingobjectid_{table}_{activity}", _plural(activity)
        owner = table if table.startswith("new_") else table.capitalize()
        targets.append(Target(table, name, f"{owner}_{many}", "cascade"))
    return lookup("regardingobjectid", *targets, label="Regarding")


def _categories(activity: str) -> tuple[Column, ...]:
    """What this organisation added: one column of every kind that a category field may have."""
    region = Target("new_region", f"new_Region_{activity}", f"new_region_{activity}")
    return (
        custom(choice("new_topic", TOPICS), "new_Topic", "Topic"),
        custom(lookup("new_region", region), "new_Region", "Region"),
        custom(text("new_reference", 100), "new_Reference", "Reference"),
        custom(memo("new_summary", 2000), "new_Summary", "Summary"),
        custom(flag("new_isbillable"), "new_IsBillable", "Billable"),
        custom(whole("new_minutes", "", 0, 1440), "new_Minutes", "Minutes"),
    )


def _common() -> Iterable[Column | Iterable[Column]]:
    return (
        key("activityid", "Activity"),
        fixed(text("activitytypecode", 50, "Activity Type")),
        when("scheduledstart", "Start Date"),
        when("scheduledend", "Due Date"),
        when("actualstart", "Actual Start"),
        when("actualend", "Actual End"),
        when("sortdate", "Sort Date"),
        whole("scheduleddurationminutes", "Scheduled Duration", 0),
        whole("actualdurationminutes", "Duration", 0),
        choice("prioritycode", _PRIORITIES, "Priority", 1),
        text("category", 250, "Category"),
        text("subcategory", 250, "Sub-Category"),
        flag("isbilled", "Is Billed"),
        fixed(flag("isworkflowcreated", "Is Workflow Created")),
        fixed(flag("isregularactivity", "Is Regular Activity", default=True)),
        fixed(text("exchangeitemid", 200, "Exchange Item ID")),
        fixed(text("exchangeweblink", 1250, "Exchange WebLink")),
        owned(),
    )


def _flattened(parts: Iterable[Column | Iterable[Column]]) -> Iterable[Column]:
    return columns(*parts).values()


def _table(name: str, entity_set: str, label: str, code: int, *own: Column) -> Table:
    given = columns(_flattened(_common()), own, _regarding(name))
    return Table(
        name,
        entity_set,
        "activityid",
        "subject",
        label,
        code,
        given,
        is_activity=name != "activitypointer",
        schema_name={"email": "Email", "appointment": "Appointment", "task": "Task"}.get(
            name, "ActivityPointer"
        ),
    )


def _overridden(given: Iterable[Column], changes: Mapping[str, Column]) -> list[Column]:
    return [changes.get(column.name, column) for column in given]


_EMAIL_READ_ONLY = (
    "attachmentcount",
    "attachmentopencount",
    "baseconversationindexhash",
    "compressed",
    "conversationindex",
    "correlationmethod",
    "deliveryattempts",
    "emailreminderstatus",
    "exchangerate",
    "inreplyto",
    "isemailfollowed",
    "isunsafe",
    "lastonholdtime",
    "lastopenedtime",
    "linksclickedcount",
    "onholdtime",
    "opencount",
    "processid",
    "replycount",
    "stageid",
    "traversedpath",
)


def _email() -> Table:
    read_only = {c.name: fixed(c) for c in cdm_columns("Email") if c.name in _EMAIL_READ_ONLY}
    own = _overridden(cdm_columns("Email"), read_only)
    return _table(
        "email",
        "emails",
        "Email",
        4202,
        *own,
        text("subject", 800, "Subject"),
        replace(memo("description", 1_073_741_823, "Description"), filterable=False),
        fixed(replace(memo("safedescription", 1_073_741_823), filterable=False)),
        flag("directioncode", "Direction", default=True),
        fixed(when("senton", "Date Sent")),
        lookup("correlatedactivityid", Target("email", "correlatedactivityid_email")),
        lookup("parentactivityid", Target("email", "parentactivityid_email")),
        *_categories("email"),
    )


_APPOINTMENT_READ_ONLY = (
    "attachmentcount",
    "attachmenterrors",
    "exchangerate",
    "isdraft",
    "isunsafe",
    "lastonholdtime",
    "modifiedfieldsmask",
    "onholdtime",
    "originalstartdate",
    "processid",
    "stageid",
    "traversedpath",
)


def _appointment() -> Table:
    given = cdm_columns("Appointment")
    read_only = {c.name: fixed(c) for c in given if c.name in _APPOINTMENT_READ_ONLY}
    return _table(
        "appointment",
        "appointments",
        "Appointment",
        4201,
        *_overridden(given, read_only),
        text("subject", 200, "Subject", required=True),
        replace(when("scheduledstart", "Start Time"), required=True),
        replace(when("scheduledend", "End Time"), required=True),
        *_categories("appointment"),
    )


def _task() -> Table:
    return _table(
        "task",
        "tasks",
        "Task",
        4212,
        text("subject", 200, "Subject", required=True),
        memo("description", 2000, "Description"),
        whole("percentcomplete", "Percent Complete", 0, 100),
        *states(
            "task",
            {0: "Open", 1: "Completed", 2: "Canceled"},
            (
                (2, "Not Started", 0),
                (3, "In Progress", 0),
                (4, "Waiting on someone else", 0),
                (7, "Deferred", 0),
                (5, "Completed", 1),
                (6, "Canceled", 2),
            ),
        ),
    )


def _pointer() -> Table:
    """What all activities have in common; its rows are those of the activity tables."""
    own = [c for c in cdm_columns("Activity") if c.name in ("statecode", "statuscode")]
    return _table(
        "activitypointer",
        "activitypointers",
        "Activity",
        4200,
        *own,
        text("subject", 400, "Subject"),
        replace(memo("description", 2000, "Description"), filterable=False),
    )


def _party() -> Table:
    addressed = [
        Target(table, f"partyid_{table}", f"{table}_activity_parties")
        for table in (*PARTIES, "opportunity", "incident")
    ]
    return Table(
        "activityparty",
        "activityparties",
        "activitypartyid",
        "partyidname",
        "Activity Party",
        135,
        columns(
            cdm_columns("ActivityParty"),
            fixed(key("activitypartyid")),
            fixed(text("partyidname", 400)),
            fixed(Column("versionnumber", "bigint")),
            lookup("partyid", *addressed, label="Party"),
            fixed(
                lookup(
                    "activityid",
                    Target("email", "activityid_email", "email_activity_parties", "cascade"),
                    Target(
                        "appointment",
                        "activityid_appointment",
                        "appointment_activity_parties",
                        "cascade",
                    ),
                    Target("task", "activityid_task", "task_activity_parties", "cascade"),
                    Target(
                        "activitypointer",
                        "activityid_activitypointer",
                        "activitypointer_activity_parties",
                    ),
                    label="Activity",
                )
            ),
        ),
        owned=False,
        schema_name="ActivityParty",
    )


def _attachment() -> Table:
    return Table(
        "activitymimeattachment",
        "activitymimeattachments",
        "activitymimeattachmentid",
        "filename",
        "Attachment",
        1001,
        columns(
            key("activitymimeattachmentid", "Attachment"),
            text("filename", 255, "File Name"),
            text("mimetype", 256, "Mime Type"),
            text("subject", 2000, "Subject"),
            replace(memo("body", 1_073_741_823, "Body"), filterable=False),
            text("attachmentcontentid", 250, "Content Id"),
            whole("attachmentnumber", "Attachment Number", 0, 1_000_000_000),
            replace(text("objecttypecode", 50, "Entity", required=True), update=False),
            fixed(whole("filesize", "File Size (Bytes)", 0)),
            lookup(
                "objectid",
                Target("email", "objectid_email", "email_activity_mime_attachment", "cascade"),
                Target(
                    "appointment",
                    "objectid_appointment",
                    "appointment_activity_mime_attachment",
                    "cascade",
                ),
                Target(
                    "activitypointer",
                    "objectid_activitypointer",
                    "activity_pointer_activity_mime_attachment",
                ),
                label="Item",
            ),
            fixed(Column("versionnumber", "bigint")),
        ),
        owned=False,
        schema_name="ActivityMimeAttachment",
    )


def _annotation() -> Table:
    targets = tuple(
        Target(table, f"objectid_{table}", f"{prefix}_Annotation", "cascade")
        for table, prefix in (
            *((t, t if t.startswith("new_") else t.capitalize()) for t in REGARDING),
            ("email", "Email"),
            ("appointment", "Appointment"),
            ("task", "Task"),
        )
    )
    return Table(
        "annotation",
        "annotations",
        "annotationid",
        "subject",
        "Note",
        5,
        columns(
            key("annotationid", "Note"),
            text("subject", 500, "Title"),
            memo("notetext", 100_000, "Description"),
            text("filename", 255, "File Name"),
            text("mimetype", 256, "Mime Type"),
            replace(memo("documentbody", 1_073_741_823, "Document"), filterable=False),
            fixed(flag("isdocument", "Is Document")),
            fixed(whole("filesize", "File Size (Bytes)", 0)),
            fixed(text("objecttypecode", 50, "Object Type")),
            lookup("objectid", *targets, label="Regarding"),
            owned(),
        ),
        schema_name="Annotation",
    )


ACTIVITIES = (
    _email(),
    _appointment(),
    _task(),
    _pointer(),
    _party(),
    _attachment(),
    _annotation(),
)
