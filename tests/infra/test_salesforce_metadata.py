"""What a deployment puts into a Salesforce organisation is what the adapter uses."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sandbox.salesforce.schema import FEATURES, schema
from shared.crm.salesforce import objects

SOURCE = Path(__file__).parents[2] / "infra/salesforce/force-app/main/default"
NAMESPACE = {"m": "http://soap.sforce.com/2006/04/metadata"}
HOLDERS = {
    "EmailMessage": ("EmailMessage",),
    "Activity": ("Event", "Task"),
    "ContentVersion": ("ContentVersion",),
    "Contact": ("Contact",),
}
"""The objects that have the custom fields of each folder."""
KINDS = {"string": "Text", "datetime": "DateTime", "reference": "Lookup"}


def parsed(path: Path) -> ET.Element:
    return ET.parse(path).getroot()  # noqa: S314  # our own files


def fields() -> list[tuple[str, ET.Element]]:
    found = sorted(SOURCE.glob("objects/*/fields/*.field-meta.xml"))
    return [(path.parts[-3], parsed(path)) for path in found]


def text(element: ET.Element, name: str) -> str:
    return element.findtext(f"m:{name}", "", NAMESPACE)


def installed() -> dict[str, set[str]]:
    """The names of the installed fields, by object."""
    names: dict[str, set[str]] = {}
    for folder, field in fields():
        for holder in HOLDERS[folder]:
            names.setdefault(holder, set()).add(text(field, "fullName"))
    return names


def test_every_field_of_ours_is_deployed_and_no_other() -> None:
    ours = {objects.KEY, objects.LINK}
    assert installed() == {
        "EmailMessage": ours | {objects.SAVED_BY, objects.SAVED_AT},
        "Event": ours | {objects.ITEM_ID},
        "Task": ours | {objects.ITEM_ID},
        "ContentVersion": {objects.KEY},
        "Contact": {objects.KEY},
    }


@pytest.mark.parametrize(("folder", "field"), fields())
def test_the_sandbox_has_the_same_fields(folder: str, field: ET.Element) -> None:
    for holder in HOLDERS[folder]:
        there = schema(FEATURES).objects[holder].fields[text(field, "fullName")]
        assert KINDS[there.type] == text(field, "type")
        assert str(there.length or "") == text(field, "length")
        assert there.unique == (text(field, "unique") == "true")
        assert there.case_sensitive == (text(field, "caseSensitive") == "true")
        assert there.external_id == (text(field, "externalId") == "true")


def test_the_permission_set_opens_all_of_them() -> None:
    root = parsed(SOURCE / "permissionsets/Threadline.permissionset-meta.xml")
    opened = {
        text(one, "field")
        for one in root.findall("m:fieldPermissions", NAMESPACE)
        if text(one, "editable") == text(one, "readable") == "true"
    }
    assert opened == {f"{holder}.{name}" for holder, names in installed().items() for name in names}
