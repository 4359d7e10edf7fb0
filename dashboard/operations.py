"""Every module that declares operations of the JSON API, in the order of the document."""

# ruff: noqa: F401 - each declares its operations by being imported
import dashboard.api
import orgs.api
import users.api
