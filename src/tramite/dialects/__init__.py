"""Wire formats, both ways: call to request, response to reply, and request to call, reply to response. No I/O."""
