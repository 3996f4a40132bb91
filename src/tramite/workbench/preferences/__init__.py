"""The settings page, and what it does in plain modules."""
