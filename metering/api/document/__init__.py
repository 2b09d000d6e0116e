"""The OpenAPI document, derived from what controllers declare."""
