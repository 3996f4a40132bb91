"""The usage page, and what it does in plain modules."""
