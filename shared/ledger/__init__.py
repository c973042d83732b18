"""What is kept of work that goes on, on Azure Tables, or Azurite on one machine.

Receipts, what is followed, subscriptions and origins: one module and one table for each. How keys
and partitions are chosen, and why, stands in docs/architecture.md, "The ledger". Nobody here ever
reads a table whole for a request.
"""

TABLES = ("receipts", "followings", "subscriptions", "origins")
"""Their names."""
