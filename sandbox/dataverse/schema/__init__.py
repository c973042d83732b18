"""The tables of the sample organisation, declared."""

from sandbox.dataverse.schema.activities import ACTIVITIES
from sandbox.dataverse.schema.model import build
from sandbox.dataverse.schema.records import RECORDS

SCHEMA = build((*RECORDS, *ACTIVITIES))
