"""Single requests, newest first: found, looked at and taken away as a file."""
