"""The product's settings on servers of the tests' own, in `var/test`."""

import os
from pathlib import Path

from tests.ports import free_port

os.environ.setdefault("VAR_DIR", str(Path(__file__).resolve().parent.parent / "var" / "test"))
os.environ["GATEWAY_REDIS_URL"] = ""  # tests empty their Redis: it shall never be one that somebody uses
os.environ.setdefault("PORT", str(free_port()))  # of the tests' processes, which inherit it

from dashboard import secret_settings

secret_settings.generate_missing()

from dashboard.settings import *  # noqa: E402, F403

EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
SITE_HOSTS = [*SITE_HOSTS, "testserver"]  # noqa: F405
