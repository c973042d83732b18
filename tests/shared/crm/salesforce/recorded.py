"""Answers of Salesforce as others recorded them, condensed: the words and shapes are theirs.

Errors: captures in public client code (API v54.0 and v56.0), restforce's fixtures (MIT) and
CumulusCI's cassettes (BSD-3-Clause, @598cda5a); the JWT refusals are those of Salesforce Help,
"OAuth 2.0 JWT Bearer Flow". On the wire `duplicateResut` is spelt so.
"""

from typing import Any

_CONTACT = "0038M0000016Wv8QAE"

DUPLICATE: Any = [
    {
        "duplicateResut": {
            "allowSave": True,
            "duplicateRule": "Standard_Contact_Duplicate_Rule",
            "duplicateRuleEntityType": "Contact",
            "errorMessage": "You're creating a duplicate record.",
            "matchResults": [
                {
                    "entityType": "Contact",
                    "errors": [],
                    "matchEngine": "FuzzyMatchEngine",
                    "matchRecords": [
                        {
                            "additionalInformation": [],
                            "fieldDiffs": [],
                            "matchConfidence": 100.0,
                            "record": {"attributes": {"type": "Contact"}, "Id": _CONTACT},
                        }
                    ],
                    "rule": "Standard_Contact_Match_Rule_v1_1",
                    "size": 1,
                    "success": True,
                }
            ],
        },
        "errorCode": "DUPLICATES_DETECTED",
        "message": "You're creating a duplicate record.",
    }
]
DUPLICATE_WITHOUT_DETAIL: Any = [
    {"message": "Use one of these records?", "errorCode": "DUPLICATES_DETECTED"}
]
LOCKED: Any = [
    {
        "message": "unable to obtain exclusive access to this record or 1 records: "
        "0035cFAKEIDAQBGAA4",
        "errorCode": "UNABLE_TO_LOCK_ROW",
        "fields": [],
    }
]
DAILY_LIMIT: Any = [
    {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
]
CONCURRENT_LIMIT: Any = [
    {"message": "ConcurrentPerOrgLongTxn Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
]
EXPIRED: Any = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
MISSING_FIELD: Any = [
    {
        "message": "Required fields are missing: [LastName]",
        "errorCode": "REQUIRED_FIELD_MISSING",
        "fields": ["LastName"],
    }
]
NOT_FOUND: Any = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
DELETED: Any = [{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}]
READ_ONLY: Any = [
    {"message": "entity is read-only", "errorCode": "INSUFFICIENT_ACCESS_OR_READONLY"}
]

COMPOSITE: Any = {
    "compositeResponse": [
        {
            "body": {"totalSize": 17, "done": True, "records": []},
            "httpHeaders": {},
            "httpStatusCode": 200,
            "referenceId": "refAccount",
        },
        {
            "body": [
                {
                    "message": "\nselect count() from XYZZY\n                    ^\nERROR at "
                    "Row:1:Column:21\nsObject type 'XYZZY' is not supported.",
                    "errorCode": "INVALID_TYPE",
                }
            ],
            "httpHeaders": {},
            "httpStatusCode": 400,
            "referenceId": "refXYZZY",
        },
    ]
}

NOT_APPROVED: Any = {
    "error": "invalid_grant",
    "error_description": "user hasn't approved this consumer",
}
EXPIRED_GRANT: Any = {
    "error": "invalid_grant",
    "error_description": "expired access/refresh token",
}
