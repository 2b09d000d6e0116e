"""What stands around the application: whole bodies, tokens, the log, other origins."""
