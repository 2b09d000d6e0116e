"""For those who run the service: health and figures."""
