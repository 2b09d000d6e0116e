"""The HTTP API: Pecan routes, WSME declares, msgspec reads and writes bodies."""
