"""What clients get: rows and pages."""
