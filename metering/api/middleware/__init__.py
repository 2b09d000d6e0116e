"""What stands around the application: whole bodies, request ids, the log, other origins."""
