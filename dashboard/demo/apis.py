"""The demo's APIs, with some of the history that they would have."""

from apis import definition as definitions
from apis import openapi, services
from apis.models import Api
from apis.rules import RawDefinition
from dashboard.demo.content import DemoOrganisation, Resource
from dashboard.demo.documents import document_of


def make_apis(demo: DemoOrganisation) -> list[Api]:
    """Make the APIs of every environment; two of three have a document, every seventh stands still."""
    places = [(env, resource) for env in demo.environments for resource in demo.resources]
    apis = []
    for number, (environment, resource) in enumerate(places):
        definition = definition_of(demo, resource, environment)
        text = openapi.document_of(document_of(resource)).text if number % 3 < 2 else ""
        api = services.create_api(definition=definition, openapi_text=text)
        apis.append(services.set_active(api=api, is_active=False) if number % 7 == 6 else api)
    return apis


def definition_of(demo: DemoOrganisation, resource: Resource, environment: str) -> RawDefinition:
    is_live = environment == "production"
    host = resource.path.partition("/")[0]
    within = "" if is_live else f".{environment}"
    return definitions.build(
        name=resource.name if is_live else f"{resource.name} ({environment})",
        listen_path=f"/{demo.slug}/{'' if is_live else f'{environment}/'}{resource.path}/",
        target_url=f"https://{host}{within}.internal.{demo.slug}.example/{resource.path}/",
        authentication=resource.authentication,
        rate=600 if "public" in resource.tags else 0,
        per=60 if "public" in resource.tags else 0,
        tags=[*resource.tags.split(", "), environment],
        active=True,
    )


def move_to_second_version(apis: list[Api]) -> None:
    """Change the target of every fifth API, so that there is something to see in its history."""
    for api in apis[::5]:
        definition = definitions.parse(api.definition)
        basics = definitions.basics_of(definition)
        basics["target_url"] += "v2/"
        services.update_api(api=api, definition=definitions.change(definition, **basics), revision=api.revision)
