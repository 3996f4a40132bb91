"""The similarity page, and what it does in plain modules."""
