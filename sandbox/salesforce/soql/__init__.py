"""SOQL: the part of the language that clients of this app and simple-salesforce's users need.

SOQL and SOSL Reference. Whatever is outside it is refused as malformed, never ignored.
"""
