"""Where receipts are kept: Azure Tables, or Azurite on one machine."""
