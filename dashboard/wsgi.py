"""The entry point of gunicorn."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from dashboard.utf8 import without_charset

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

application = without_charset(get_wsgi_application())

from orgs.checks import refuse_to_start_without_walls  # noqa: E402 - it needs Django set up

refuse_to_start_without_walls()

# What is loaded by now stays: looking through it for garbage again and again was a tenth of a page's time.
gc.freeze()
gc.set_threshold(20_000, 20, 20)
