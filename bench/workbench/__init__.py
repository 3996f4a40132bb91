"""`python -m bench.workbench`: what somebody waits for in the workbench. See WORKBENCH.md, which it writes."""
