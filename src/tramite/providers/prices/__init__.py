"""Prices and context windows, as data: compiled, found by a model's name, and applied to usage."""
