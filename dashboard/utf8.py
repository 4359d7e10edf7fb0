"""Everything that is sent here is UTF-8."""

import re
from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
CHARSET = re.compile(r";\s*charset\s*=[^;]*", re.IGNORECASE)


def without_charset(application: Application) -> Application:
    """Take the charset out of the content type of each request.

    Django reads the query in it, before any middleware, and what it cannot read ends there as an error of ours.
    """

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "charset" in environ.get("CONTENT_TYPE", "").lower():
            environ["CONTENT_TYPE"] = CHARSET.sub("", environ["CONTENT_TYPE"])
        return application(environ, start_response)

    return answer
