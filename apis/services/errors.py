"""What the services refuse, each with a sentence for whoever asked."""

from apis.definition import DefinitionError
from apis.models import Api
from apis.openapi import OpenAPIError


class ListenPathTaken(ValueError):
    """Names the API that has the path where it is the organisation's own, and else says nothing of it."""

    def __init__(self, path: str, *, own: Api | None) -> None:
        whose = f"“{own.name}” listens there already" if own else "It is not available"
        super().__init__(f"The listen path {path} cannot be used. {whose}. Choose another one.")


class SameApiId(ValueError):
    """The organisation itself has an API of that id; of other organisations' ids nothing is said."""

    def __init__(self, own: Api) -> None:
        super().__init__(f"“{own.name}” has the API ID {own.api_id} already. Leave it out, or change that API.")
        self.own = own


class ApiIdTaken(ValueError):
    """Somebody has the id, or nobody may: whose it is is nobody's business."""

    def __init__(self, api_id: str) -> None:
        super().__init__(f"The API ID {api_id} cannot be used. It is not available. Choose another one.")


class NamedAsVersion(ValueError):
    """Another API leads to this one as a version; whoever took the id next would get its calls."""

    def __init__(self, by: Api) -> None:
        super().__init__(f"“{by.name}” has this API as a version: take it out there first.")


class OtherKind(ValueError):
    """The API is kept in the other form than what was sent."""

    def __init__(self, api: Api) -> None:
        kept = "is described by its OpenAPI document" if api.is_oas else "is a classic definition"
        super().__init__(f"“{api.name}” {kept}: change that.")


class UnknownOwner(ValueError):
    def __init__(self, id: str) -> None:
        super().__init__(f"“{id[:40]}” is no user or user group of the organisation.")


REFUSALS = (
    OpenAPIError,
    DefinitionError,
    ListenPathTaken,
    SameApiId,
    ApiIdTaken,
    NamedAsVersion,
    OtherKind,
    UnknownOwner,
)


class ChangedMeanwhile(Exception):
    """Somebody saved the API after the form was made; `saved` is what they left."""

    def __init__(self, saved: Api) -> None:
        super().__init__("The API was changed meanwhile.")
        self.saved = saved
