"""A metering service: usage samples in over HTTP, exact quantities out."""

__version__ = "0.1.0"
