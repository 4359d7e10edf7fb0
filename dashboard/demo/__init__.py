"""What `manage.py demo` makes: `content` says it, `making` does it through the services."""
