"""The only place that knows Pecan and WSME: paths, parameters, and how the two meet."""
