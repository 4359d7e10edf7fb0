"""APIs that are an OpenAPI document with `x-tyk-api-gateway`: its types and rules, and what follows from it."""

from apis.oas.derivation import to_classic
from apis.oas.document import Choices, activate, extended, ids_of, is_oas_document, seal_oas, without_extension
from apis.oas.fields import EXTENSION
from apis.oas.rules import at_origin, problems, shape_problems

__all__ = [
    "EXTENSION",
    "Choices",
    "activate",
    "at_origin",
    "extended",
    "ids_of",
    "is_oas_document",
    "problems",
    "seal_oas",
    "shape_problems",
    "to_classic",
    "without_extension",
]
