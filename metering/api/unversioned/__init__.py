"""The controllers of what is of no version: the versions themselves, health and figures."""
