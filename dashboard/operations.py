"""Every module that declares operations of the JSON API, in the order of the document."""

# ruff: noqa: F401, I001 - each declares its operations by being imported, and the order is that of their pages
import apis.api.classic
import apis.api.beside
import apis.api.oas
import apis.api.assets
import keys.api.keys
import keys.api.key_lists
import keys.api.policies
import apis.api.certificates
import apis.api.webhooks
import apis.api.oauth_clients
import users.api.users
import users.api.user_groups
import portal.api.developers
import portal.api.developer_keys
import portal.api.catalogue
import portal.api.documentation
import portal.api.requests
import portal.api.configuration
import portal.api.pages
import portal.api.cname
import analytics.api.numbers
import analytics.api.requests
import analytics.api.tyk
import analytics.api.logs
import orgs.api.audit_trail
import orgs.api.organisation
import dashboard.organisations
import users.api.administration
import portal.api.single_sign_on
import apis.api.importing

import orgs.api.organisation_keys
import gateways.operations
import orgs.api.installation
import users.api.beginning
import dashboard.api
