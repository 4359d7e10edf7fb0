"""What changes API definitions. Each function is one transaction with its audit line, in the open scope."""

from apis.services.beside import set_categories, set_owners
from apis.services.classic import create_api, read_definition, update_api
from apis.services.documents import create_oas_api, import_oas, patch_oas_api, read_document, update_oas_api
from apis.services.errors import (
    REFUSALS,
    ApiIdTaken,
    ChangedMeanwhile,
    ListenPathTaken,
    NamedAsVersion,
    OtherKind,
    SameApiId,
    UnknownOwner,
)
from apis.services.importing import import_text
from apis.services.states import delete_api, has_target, set_active
from apis.services.storing import KIND, without_password

__all__ = [
    "KIND",
    "REFUSALS",
    "ApiIdTaken",
    "ChangedMeanwhile",
    "ListenPathTaken",
    "NamedAsVersion",
    "OtherKind",
    "SameApiId",
    "UnknownOwner",
    "create_api",
    "create_oas_api",
    "delete_api",
    "has_target",
    "import_oas",
    "import_text",
    "patch_oas_api",
    "read_definition",
    "read_document",
    "set_active",
    "set_categories",
    "set_owners",
    "update_api",
    "update_oas_api",
    "without_password",
]
