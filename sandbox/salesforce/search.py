"""`/parameterizedSearch` and `/search`: words in the names and texts of records.

REST API Developer Guide, "Parameterized Search"; SOQL and SOSL Reference, "FIND {SearchQuery}".
"""

from sandbox.salesforce import errors
from sandbox.salesforce.session import Call, Reply, Session


def search(session: Session, call: Call) -> Reply:
    raise errors.unsupported("search")


def parameterized(session: Session, call: Call) -> Reply:
    raise errors.unsupported("search")
