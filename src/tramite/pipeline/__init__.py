"""The way of one request: route, attempt, judge, retry, record. Works on envelopes and frames, never on calls."""
