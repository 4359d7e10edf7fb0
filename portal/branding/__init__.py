"""How an organisation makes its portal its own: a logo and a theme, taken only as far as they can do no harm. Pure."""

from portal.branding.errors import BadLogo, BadVariable
from portal.branding.logos import MOST_BYTES, Logo, check_logo
from portal.branding.themes import contrast_faults, stylesheet
from portal.branding.variables import DOCUMENTED, Variable, Variables, parse_variables

__all__ = [
    "DOCUMENTED",
    "MOST_BYTES",
    "BadLogo",
    "BadVariable",
    "Logo",
    "Variable",
    "Variables",
    "check_logo",
    "contrast_faults",
    "parse_variables",
    "stylesheet",
]
