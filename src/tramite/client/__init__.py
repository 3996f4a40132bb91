"""The faces of the library: AsyncClient, Client, their streams and conversations."""
