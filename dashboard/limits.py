"""How much may be sent. Files go to the disk as they arrive, before any form looks at them."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse

OF_VISITORS = 100_000  # bytes: a sign-in, or an invitation that is accepted
DEEPEST = 100  # levels of a machine's body: some hundreds, kept in a row, stop every page and list that it is on
OF_USERS = 64_000_000  # the import says what is wrong with less


class TooLarge(RequestDataTooBig):
    def __init__(self, most: int) -> None:
        super().__init__(f"What was sent is larger than {most:,} bytes.")
        self.most = most


class SizeMiddleware:
    """Refuses, by its announced length, what is too large. Without a length Django reads nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) <= OF_VISITORS:
            return self.get_response(request)
        most = OF_USERS if request.user.is_authenticated else OF_VISITORS
        if int(length) > most:
            raise TooLarge(most)
        return self.get_response(request)


def is_deeper(document: Any, most: int) -> bool:
    level = [document]
    for _ in range(most + 1):
        inner = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [each for several in inner for each in several]
        if not level:
            return False
    return True
