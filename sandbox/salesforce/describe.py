"""What the describe calls answer.

REST API Developer Guide, "Describe Global" and "sObject Describe".
"""

from typing import Any

from sandbox.salesforce.rules import JUNCTIONS
from sandbox.salesforce.schema.model import NUMBERS, TEXTS, Field, Kind, Object
from sandbox.salesforce.session import Session
from sandbox.salesforce.translations import translation

_SOAP: dict[Kind, str] = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "base64": "xsd:base64Binary",
}
_ID_LENGTH = 18
_PICKLIST_LENGTH = 255
_LISTS = {
    ("EmailMessage", "EmailMessageRelation"): ("ToIds", "CcIds", "BccIds"),
    ("EmailMessage", "ContentDocumentLink"): ("ContentDocumentIds",),
    ("Event", "EventWhoRelation"): ("EventWhoIds",),
    ("Task", "TaskWhoRelation"): ("TaskWhoIds",),
}
"""Junction lists by the object that has them and the child that they stand for."""


def all_objects(session: Session) -> dict[str, Any]:
    objects = [summary(session, object_) for object_ in session.schema.objects.values()]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}


def summary(session: Session, object_: Object) -> dict[str, Any]:
    writable = object_.access == "write" and not object_.view_of
    words = translation(session, object_.name)
    url = f"{session.root}/sobjects/{object_.name}"
    return {
        "activateable": False,
        "createable": writable and object_.createable,
        "custom": object_.custom,
        "customSetting": False,
        "deletable": writable and object_.name != "ContentVersion",
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "keyPrefix": object_.prefix,
        "label": words.get("label", object_.label),
        "labelPlural": words.get("plural", object_.plural),
        "layoutable": writable,
        "mergeable": False,
        "name": object_.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": object_.name_field in object_.fields,
        "triggerable": writable,
        "undeletable": writable,
        "updateable": writable,
        "urls": {
            "describe": f"{url}/describe",
            "rowTemplate": f"{url}/{{ID}}",
            "sobject": url,
        },
    }


def one_object(session: Session, object_: Object) -> dict[str, Any]:
    return {
        **summary(session, object_),
        "childRelationships": _children(session, object_),
        "fields": [_field(session, object_, f) for f in object_.fields.values()],
        "recordTypeInfos": [],
        "supportedScopes": [],
    }


def _children(session: Session, object_: Object) -> list[dict[str, Any]]:
    relationships = []
    for children in session.schema.children[object_.name].values():
        lists = _LISTS.get((object_.name, children.object), ())
        targets = JUNCTIONS[object_.name][lists[0]] if lists else ()
        relationships.append(
            {
                "cascadeDelete": children.field == f"{object_.name}Id" or bool(lists),
                "childSObject": children.object,
                "deprecatedAndHidden": False,
                "field": children.field,
                "junctionIdListNames": list(lists),
                "junctionReferenceTo": list(targets),
                "relationshipName": children.name,
                "restrictedDelete": False,
            }
        )
    return relationships


def _field(session: Session, object_: Object, field: Field) -> dict[str, Any]:
    length = _length(field)
    words = translation(session, object_.name, field.name)
    options = words.get("options", {})
    defaulted = field.defaulted or field.default is not None or field.type == "boolean"
    return {
        "autoNumber": False,
        "byteLength": length if field.type in ("id", "reference") else length * 3,
        "calculated": False,
        "caseSensitive": field.case_sensitive,
        "createable": field.createable and object_.access == "write",
        "custom": field.custom,
        "defaultValue": False if field.type == "boolean" else None,
        "defaultedOnCreate": defaulted,
        "deprecatedAndHidden": False,
        "digits": 9 if field.type == "int" else 0,
        "externalId": field.external_id,
        "filterable": field.filterable,
        "groupable": field.filterable and field.type not in ("datetime", "double"),
        "htmlFormatted": False,
        "idLookup": field.type in ("id", "email") or field.external_id,
        "label": words.get("label", field.label),
        "length": length,
        "name": field.name,
        "nameField": field.name == object_.name_field,
        "namePointing": len(field.references) > 1,
        "nillable": field.nillable,
        "picklistValues": [
            {
                "active": True,
                "defaultValue": value == field.default,
                "label": options.get(value, label),
                "validFor": None,
                "value": value,
            }
            for value, label in field.values
        ],
        "polymorphicForeignKey": len(field.references) > 1,
        "precision": field.precision,
        "referenceTo": [name for name in field.references if name in session.schema.objects],
        "relationshipName": field.relationship or None,
        "restrictedPicklist": field.restricted,
        "scale": field.scale,
        "soapType": _SOAP.get(field.type, "xsd:string"),
        "sortable": field.filterable,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable and object_.access == "write",
    }


def _length(field: Field) -> int:
    if field.type in ("id", "reference"):
        return _ID_LENGTH
    if field.type == "picklist":
        return field.length or _PICKLIST_LENGTH
    return field.length if field.type in TEXTS and field.type not in NUMBERS else 0
