"""An organisation's portal: its developers, what is published to them, and what they have asked for.

A developer is no user: they sign in to the portal alone, and see of the organisation what is published there. The same
e-mail address on another organisation's portal is somebody else.
"""

from portal.models.applications import WITH_KEY, Application, KeyRequest
from portal.models.catalogue import Documentation, Entry, Plan
from portal.models.people import Attempt, Developer, DeveloperSession, SignUp
from portal.models.site import Page, Portal

__all__ = [
    "WITH_KEY",
    "Application",
    "Attempt",
    "Developer",
    "DeveloperSession",
    "Documentation",
    "Entry",
    "KeyRequest",
    "Page",
    "Plan",
    "Portal",
    "SignUp",
]
