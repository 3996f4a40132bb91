"""Benchmarks. Each writes a table into RESULTS.md; none is part of the package."""
