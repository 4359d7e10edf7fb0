from django.apps import AppConfig
from django.core.checks import Tags, register


class OrgsConfig(AppConfig):
    name = "orgs"

    def ready(self) -> None:
        from orgs import checks

        register(checks.models_are_walled, Tags.models)
        register(checks.database_is_walled, Tags.database)
