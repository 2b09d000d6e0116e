"""What clients get: rows, their forms, and pages."""
