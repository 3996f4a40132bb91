"""The workbench: the library in a browser. Pages are thin; what they do is in plain modules beside them."""
