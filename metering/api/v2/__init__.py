"""The controllers of version 2, one file a noun."""
