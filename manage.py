#!/usr/bin/env python3
import os
import sys

from dashboard import secret_settings


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    if sys.argv[1:2] in (["bootstrap"], ["up"]):  # the settings need the secrets that these two make
        secret_settings.generate_missing()

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
