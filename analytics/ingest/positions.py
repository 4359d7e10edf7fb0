"""How far a source of records is read (part of `analytics.models`)."""

from typing import ClassVar

from django.db import models

from orgs.models import OfInstallation


class Position(OfInstallation):
    """Up to where a table of a tyk-pump's database is read, for a group: `id` is the group's and the table's name."""

    intake_may: ClassVar = ("SELECT", "INSERT", "UPDATE")

    id = models.CharField(primary_key=True, max_length=60)
    at = models.DateTimeField()
    place = models.CharField(max_length=40)

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"{self.id} until {self.at}"
