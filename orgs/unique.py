"""What a unique constraint of PostgreSQL refuses, told in a sentence: of two who take a name at once one is told so."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction


@contextmanager
def unless_taken(refusal: Exception, *constraints: str) -> Iterator[None]:
    """Write in a savepoint. Where that breaks one of these constraints, nothing is written and `refusal` is raised."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if error.__cause__.diag.constraint_name in constraints:  # type: ignore[union-attr]
            raise refusal from None
        raise
