"""The prompt page, and what it does in plain modules."""
