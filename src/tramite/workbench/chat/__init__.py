"""The chat page, and what it does in plain modules."""
