"""The forms of bodies: JSON, XML as WSME lays it out, lines of JSON and CSV."""
