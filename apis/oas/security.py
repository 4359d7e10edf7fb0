"""What a caller must show: the document's `security` and its schemes, with the extension's settings for each."""

from apis.oas.fields import EXTENSION
from apis.oas.parts import Part, named, on, pairs, part, same, seconds
from apis.rules import RawDefinition, get

COMPLIANT = "compliant"  # each of the document's alternatives counts, not the first alone
OWN_KINDS = {"hmac", "custom", "mtls", "coprocess"}
PLACES = {
    "header": ("auth_header_name", "disable_header", False),
    "query": ("param_name", "use_param", True),
    "cookie": ("cookie_name", "use_cookie", True),
}
ACCESS_TYPES = {
    "authorizationCode": "authorization_code",
    "clientCredentials": "client_credentials",
    "password": "password",
    "implicit": "implicit",
}
SWITCHES = (
    *("use_standard_auth", "enable_jwt", "use_basic_auth", "use_oauth2", "use_openid", "enable_signature_checking"),
    "custom_plugin_auth_enabled",
)


def to_classic(document: Part) -> RawDefinition:
    authentication = part(document, EXTENSION, "server", "authentication")
    lifetime = on(authentication, "customKeyLifetime")
    classic: RawDefinition = {
        "use_keyless": not authentication.get("enabled"),
        "strip_auth_data": bool(authentication.get("stripAuthorizationData")),
        **named(authentication, base_identity_provided_by="baseIdentityProvider"),
        "session_lifetime": seconds(lifetime.get("value")),
        **named(lifetime, session_lifetime_respects_key_expiration="respectValidity"),
        "auth_configs": {},
    }
    _own_kinds(authentication, classic)
    _schemes(document, authentication, classic)
    certificate = bool(get(authentication, "certificateAuth", "enabled"))
    if certificate:
        classic["auth_configs"].setdefault("authToken", {})["use_certificate"] = True
    is_open = classic["use_keyless"] or get(document, EXTENSION, "server", "clientCertificates", "enabled")
    if not is_open and not any(classic.get(switch) for switch in SWITCHES) and not get(classic, "external_oauth"):
        classic["use_standard_auth"] = True  # what gateways ask for where nothing else is said
    return classic


def _own_kinds(authentication: Part, classic: RawDefinition) -> None:
    """Kinds that OpenAPI has no scheme for."""
    if hmac := on(authentication, "hmac"):
        classic["enable_signature_checking"] = True
        classic["auth_configs"]["hmac"] = _sources(hmac)
        classic |= named(hmac, hmac_allowed_algorithms="allowedAlgorithms", hmac_allowed_clock_skew="allowedClockSkew")
    if oidc := on(authentication, "oidc"):
        classic["use_openid"] = True
        classic["auth_configs"]["oidc"] = _sources(oidc)
        providers = [
            same(provider, "issuer")
            | {"client_ids": pairs(provider.get("clientToPolicyMapping"), "clientId", "policyId")}
            for provider in oidc.get("providers") or []
        ]
        classic["openid_options"] = named(oidc, segregate_by_client="segregateByClientId") | {"providers": providers}
        _scopes(classic, "oidc", part(oidc, "scopes"))
    if custom := on(authentication, "custom"):
        classic["custom_plugin_auth_enabled"] = True
        classic["auth_configs"]["coprocess"] = _sources(custom)


def _schemes(document: Part, authentication: Part, classic: RawDefinition) -> None:
    security: list[dict[str, list[str]]] = document.get("security") or []
    names = list(security[0]) if security else []
    scopes = security
    own: list[list[str]] = []
    is_compliant = authentication.get("securityProcessingMode") == COMPLIANT
    if is_compliant:
        own = authentication.get("security") or []
        names = [name for alternative in (*security, *own) for name in alternative]
        scopes = _without_mixed(security, own)
    if is_compliant or len(security) > 1 or len(names) > 1:
        classic["security_requirements"] = [*map(list, scopes), *own]
    if scopes or own:
        classic["security_requirement_scopes"] = [*scopes, *({} for _ in own)]
    known, settings = part(document, "components", "securitySchemes"), part(authentication, "securitySchemes")
    for name in dict.fromkeys(names):
        if name in known:
            _scheme(name, known[name], part(settings, name), classic)


def _without_mixed(alternatives: list[dict[str, list[str]]], own: list[list[str]]) -> list[dict[str, list[str]]]:
    """Leave out a scheme alone that the extension asks for together with a kind that OpenAPI does not know."""
    mixed = {name for names in own if OWN_KINDS & {*names} for name in names if name not in OWN_KINDS}
    return [alternative for alternative in alternatives if len(alternative) != 1 or not mixed & alternative.keys()]


def _scheme(name: str, scheme: Part, settings: Part, classic: RawDefinition) -> None:
    """Write what one scheme says. Of several tokens the first one counts, preferably one that is switched on."""
    config = {"name": name, **_sources(settings)}
    is_on = bool(settings.get("enabled"))
    match scheme.get("type"), scheme.get("scheme"), scheme.get("bearerFormat"):
        case ("apiKey", _, _):
            if not classic.get("use_standard_auth"):
                classic["auth_configs"]["authToken"] = config | _signature(settings) | _native(scheme)
            if is_on:
                classic["use_standard_auth"] = True
        case _ if not is_on:
            return
        case ("http", "bearer", "JWT"):
            classic["enable_jwt"] = True
            classic["auth_configs"]["jwt"] = config
            classic |= _jwt(settings)
            _scopes(classic, "jwt", part(settings, "scopes"))
        case ("http", "basic", _):
            classic["use_basic_auth"] = True
            classic["auth_configs"]["basic"] = config
            classic["basic_auth"] = _basic(settings)
        case ("oauth2", _, _) if settings.get("providers"):
            classic["auth_configs"]["externalOAuth"] = config
            classic["external_oauth"] = {"enabled": True, "providers": _providers(settings["providers"])}
        case ("oauth2", _, _):
            classic["use_oauth2"] = True
            classic["auth_configs"]["oauth"] = config
            classic["oauth_meta"] = _oauth(scheme, settings)
            notified = part(settings, "notifications")
            classic["notifications"] = same(notified, "sharedSecret")
            classic["notifications"] |= named(notified, oauth_on_keychange_url="onKeyChangeUrl")


def _sources(settings: Part) -> Part:
    config: Part = {"disable_header": True}
    for place, (name, switch, is_on) in PLACES.items():
        if source := part(settings, place):
            config |= {name: source.get("name") or "", switch: bool(source.get("enabled")) is is_on}
    return config


def _native(scheme: Part) -> Part:
    """Where the document itself says that the key stands."""
    name, switch, is_on = PLACES.get(scheme.get("in") or "", PLACES["header"])
    return {name: scheme.get("name") or "", switch: is_on}


def _signature(settings: Part) -> Part:
    signature = part(settings, "signatureValidation")
    config = named(settings, use_certificate="enableClientCertificate")
    if signature:
        config["validate_signature"] = bool(signature.get("enabled"))
        config["signature"] = {
            **same(signature, "algorithm", "header", "secret", "allowedClockSkew", "errorCode", "errorMessage"),
            **named(part(signature, "query"), use_param="enabled", param_name="name"),
        }
    return config


def _jwt(settings: Part) -> Part:
    sources = [same(source, "url", "cacheTimeout") for source in settings.get("jwksURIs") or []]
    return {
        **named(settings, jwt_source="source", jwt_signing_method="signingMethod", jwt_skip_kid="skipKid"),
        **named(settings, jwt_identity_base_field="identityBaseField", jwt_policy_field_name="policyFieldName"),
        **named(settings, jwt_client_base_field="clientBaseField", jwt_default_policies="defaultPolicies"),
        **named(settings, jwt_issued_at_validation_skew="issuedAtValidationSkew"),
        **named(settings, jwt_not_before_validation_skew="notBeforeValidationSkew"),
        **named(settings, jwt_expires_at_validation_skew="expiresAtValidationSkew"),
        **named(settings, idp_client_id_mapping_disabled="idpClientIdMappingDisabled"),
        **({"jwt_jwks_uris": sources} if sources else {}),
    }


def _scopes(classic: RawDefinition, kind: str, scopes: Part) -> None:
    if scopes:
        policies = pairs(scopes.get("scopeToPolicyMapping"), "scope", "policyId")
        claim = named(scopes, scope_claim_name="claimName") | {"scope_to_policy": policies}
        classic.setdefault("scopes", {})[kind] = claim


def _basic(settings: Part) -> Part:
    body = on(settings, "extractCredentialsFromBody")
    return {
        **named(settings, disable_caching="disableCaching", cache_ttl="cacheTTL"),
        **named(body, extract_from_body="enabled", body_user_regexp="userRegexp"),
        **named(body, body_password_regexp="passwordRegexp"),  # noqa: S106 - a name
    }


def _oauth(scheme: Part, settings: Part) -> Part:
    flows = part(scheme, "flows")
    refresh = ["refresh_token"] if settings.get("refreshToken") else []
    return {
        "allowed_access_types": refresh + [kind for flow, kind in ACCESS_TYPES.items() if flow in flows],
        **named(settings, allowed_authorize_types="allowedAuthorizeTypes", auth_login_redirect="authLoginRedirect"),
    }


def _providers(providers: list[Part]) -> list[Part]:
    jwt = ("enabled", "signingMethod", "source", "identityBaseField")
    skews = ("issuedAtValidationSkew", "notBeforeValidationSkew", "expiresAtValidationSkew")
    asked = ("enabled", "url", "clientId", "clientSecret", "identityBaseField", "cache")
    return [
        {
            "jwt": same(part(provider, "jwt"), *jwt, *skews),
            "introspection": same(part(provider, "introspection"), *asked),
        }
        for provider in providers
    ]
