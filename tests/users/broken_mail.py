"""A mail server that answers what nobody foresaw."""

from django.core.mail.backends.base import BaseEmailBackend


class Backend(BaseEmailBackend):
    def send_messages(self, email_messages: object) -> int:
        raise ValueError("http://testserver/secret-link/")
