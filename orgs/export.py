"""Tables as CSV, for spreadsheets."""

import csv
import re
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

# At its start; and after what some spreadsheets take for the end of a cell, whatever they are told.
FORMULA = re.compile(r"\A(?=[=+\-@\t\r\n])|(?<=[;\t\r\n])(?=\s*[=+\-@])")


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """Return a file to save, written whole: nothing can be read after the request's transaction."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)
    return response


def cell(value: object) -> object:
    """Keep a spreadsheet from running a text as a formula: an apostrophe before it says that it is text."""
    return FORMULA.sub("'", value) if isinstance(value, str) else value
