"""The page that compares, and what it does in plain modules."""
