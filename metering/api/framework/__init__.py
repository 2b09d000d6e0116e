"""Where Pecan and WSME meet: paths, parameters, calls and replies."""
