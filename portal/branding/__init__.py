"""How an organisation makes its portal its own: a logo and a theme, taken only as far as they can do no harm. Pure."""

from portal.branding.errors import BadLogo, BadVariable
from portal.branding.logos import Logo, check_logo
from portal.branding.themes import FAMILIES, RADII, Theme, contrast_faults, stylesheet, variables_of
from portal.branding.variables import VARIABLES, Variable, Variables, parse_variables

__all__ = [
    "FAMILIES",
    "RADII",
    "VARIABLES",
    "BadLogo",
    "BadVariable",
    "Logo",
    "Theme",
    "Variable",
    "Variables",
    "check_logo",
    "contrast_faults",
    "parse_variables",
    "stylesheet",
    "variables_of",
]
