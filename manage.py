#!/usr/bin/env python3
import os
import sys

from dashboard import embedded, embedded_server, secret_settings

MAKE_SECRETS = {"up", "migrate", "bootstrap"}
NEED_NO_DATABASE = {"up", "help", "check", "makemigrations", "collectstatic"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    if MAKE_SECRETS & set(sys.argv[1:2]):  # before the settings, which need them
        make_secrets()

    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError

    try:
        run()
    except (ImproperlyConfigured, embedded_server.EmbeddedServerError) as error:
        sys.exit(str(error))
    except OperationalError as error:
        sys.exit(f"The database does not answer: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def make_secrets() -> None:
    try:
        secret_settings.generate_missing()
    except OSError as error:
        sys.exit(f"The secrets cannot be kept in {secret_settings.path()}: {error.strerror}.")


def run() -> None:
    from django.conf import settings
    from django.core.management import execute_from_command_line

    command = "help" if {"-h", "--help"} & set(sys.argv) else "".join(sys.argv[1:2]) or "help"
    if command in NEED_NO_DATABASE or not settings.EMBEDDED_DATABASE:
        execute_from_command_line(sys.argv)
    else:
        with embedded.borrowed(settings.VAR_DIR):
            execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
