"""The JSON types of `x-tyk-api-gateway`, as gateways decode it (their apidef/oas structs, release 5.13).

Gateways ignore what fails to decode there and all that follows it, so a wrong type would serve an API otherwise
than its document says.
"""

import re

from apis.tyk_fields import ANY, BOOL, INT, OBJECT, REAL, TEXT, TEXT_MAP, TEXTS, UINT, ListOf, MapOf, Scalar, Struct

EXTENSION = "x-tyk-api-gateway"
SPAN = re.compile(r"[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)|", re.ASCII)
DURATION = Scalar("a duration such as 1m30s", lambda value: isinstance(value, str) and bool(SPAN.fullmatch(value)))

SWITCH: Struct = {"enabled": BOOL}
SOURCE: Struct = {"enabled": BOOL, "name": TEXT}
SOURCES: Struct = {"header": SOURCE, "cookie": SOURCE, "query": SOURCE}
NAMED_VALUES = ListOf({"name": TEXT, "value": TEXT})
SCOPES: Struct = {
    "claimName": TEXT,
    "claims": TEXTS,
    "scopeToPolicyMapping": ListOf({"scope": TEXT, "policyId": TEXT}),
}
RESOURCE_METADATA: Struct = {
    "enabled": BOOL,
    "wellKnownPath": TEXT,
    "resource": TEXT,
    "authorizationServers": TEXTS,
    "scopesSupported": TEXTS,
    "autoDeriveScopes": BOOL,
}
VALIDATION: Struct = {
    "issuedAtValidationSkew": UINT,
    "notBeforeValidationSkew": UINT,
    "expiresAtValidationSkew": UINT,
}

INFO: Struct = {
    "id": TEXT,
    "dbId": TEXT,
    "orgId": TEXT,
    "name": TEXT,
    "expiration": TEXT,
    "state": {"active": BOOL, "internal": BOOL},
    "versioning": {
        "enabled": BOOL,
        "name": TEXT,
        "default": TEXT,
        "location": TEXT,
        "key": TEXT,
        "versions": ListOf({"name": TEXT, "id": TEXT}),
        "stripVersioningData": BOOL,
        "urlVersioningPattern": TEXT,
        "fallbackToDefault": BOOL,
    },
}

EXCHANGE_PROVIDER: Struct = {
    "name": TEXT,
    "grantType": TEXT,
    "issuers": TEXTS,
    "tokenEndpoint": TEXT,
    "clientAuth": {"method": TEXT, "clientId": TEXT, "clientSecret": TEXT, "certId": TEXT},
    "defaultTarget": {"audience": TEXT, "scopes": TEXTS},
    "timeout": DURATION,
    "customParams": TEXT_MAP,
    "cache": {
        "enabled": BOOL,
        "mode": TEXT,
        "maxTimeout": DURATION,
        "timeout": DURATION,
        "safetyMargin": DURATION,
    },
}

# One of several kinds, which the document's own scheme of that name tells apart; no field has two types.
SECURITY_SCHEME: Struct = {
    **SOURCES,
    **VALIDATION,
    "enabled": BOOL,
    # a token
    "enableClientCertificate": BOOL,
    "signatureValidation": {
        "enabled": BOOL,
        "algorithm": TEXT,
        "header": TEXT,
        "query": SOURCE,
        "secret": TEXT,
        "allowedClockSkew": INT,
        "errorCode": INT,
        "errorMessage": TEXT,
    },
    # JWT
    "source": TEXT,
    "jwksURIs": ListOf({"url": TEXT, "cacheTimeout": DURATION}),
    "signingMethod": TEXT,
    "identityBaseField": TEXT,
    "subjectClaims": TEXTS,
    "skipKid": BOOL,
    "policyFieldName": TEXT,
    "basePolicyClaims": TEXTS,
    "clientBaseField": TEXT,
    "scopes": SCOPES,
    "defaultPolicies": TEXTS,
    "allowedIssuers": TEXTS,
    "allowedAudiences": TEXTS,
    "allowedSubjects": TEXTS,
    "jtiValidation": SWITCH,
    "idpClientIdMappingDisabled": BOOL,
    "customClaimValidation": MapOf({"type": TEXT, "allowedValues": ListOf(ANY), "nonBlocking": BOOL}),
    # basic
    "disableCaching": BOOL,
    "cacheTTL": INT,
    "extractCredentialsFromBody": {"enabled": BOOL, "userRegexp": TEXT, "passwordRegexp": TEXT},
    # OAuth
    "allowedAuthorizeTypes": TEXTS,
    "refreshToken": BOOL,
    "authLoginRedirect": TEXT,
    "notifications": {"sharedSecret": TEXT, "onKeyChangeUrl": TEXT},
    "providers": ListOf(
        {
            "jwt": {"enabled": BOOL, "signingMethod": TEXT, "source": TEXT, "identityBaseField": TEXT, **VALIDATION},
            "introspection": {
                "enabled": BOOL,
                "url": TEXT,
                "clientId": TEXT,
                "clientSecret": TEXT,
                "identityBaseField": TEXT,
                "cache": {"enabled": BOOL, "timeout": INT},
            },
        }
    ),
    "scopeCheck": {"enabled": BOOL, "claimNames": TEXTS, "separator": TEXT, "scopeSource": TEXT},
    "protectedResourceMetadata": RESOURCE_METADATA,
    "tokenExchange": {"enabled": BOOL, "providers": ListOf(EXCHANGE_PROVIDER)},
}

AUTHENTICATION: Struct = {
    "enabled": BOOL,
    "stripAuthorizationData": BOOL,
    "baseIdentityProvider": TEXT,
    "hmac": {"enabled": BOOL, **SOURCES, "allowedAlgorithms": TEXTS, "allowedClockSkew": REAL},
    "oidc": {
        "enabled": BOOL,
        **SOURCES,
        "segregateByClientId": BOOL,
        "providers": ListOf(
            {"issuer": TEXT, "clientToPolicyMapping": ListOf({"clientId": TEXT, "policyId": TEXT})},
        ),
        "scopes": SCOPES,
    },
    "custom": {"enabled": BOOL, **SOURCES, "config": OBJECT},
    "securitySchemes": MapOf(SECURITY_SCHEME),
    "customKeyLifetime": {"enabled": BOOL, "value": DURATION, "respectValidity": BOOL},
    "securityProcessingMode": TEXT,
    "security": ListOf(TEXTS),
    "protectedResourceMetadata": RESOURCE_METADATA,
    "certificateAuth": SWITCH,
}

SERVER: Struct = {
    "listenPath": {"value": TEXT, "strip": BOOL},
    "authentication": AUTHENTICATION,
    "clientCertificates": {"enabled": BOOL, "allowlist": TEXTS},
    "gatewayTags": {"enabled": BOOL, "tags": TEXTS},
    "customDomain": {"enabled": BOOL, "name": TEXT, "certificates": TEXTS},
    "detailedActivityLogs": SWITCH,
    "detailedTracing": SWITCH,
    "eventHandlers": ListOf(
        {
            "enabled": BOOL,
            "trigger": TEXT,
            "type": TEXT,
            "id": TEXT,
            "name": TEXT,
            "url": TEXT,
            "method": TEXT,
            "cooldownPeriod": DURATION,
            "bodyTemplate": TEXT,
            "headers": NAMED_VALUES,
            "functionName": TEXT,
            "path": TEXT,
            "logPrefix": TEXT,
        }
    ),
    "ipAccessControl": {"enabled": BOOL, "allow": TEXTS, "block": TEXTS},
    "batchProcessing": SWITCH,
    "protocol": TEXT,
    "port": INT,
}

SERVICE_DISCOVERY: Struct = {
    "enabled": BOOL,
    "queryEndpoint": TEXT,
    "dataPath": TEXT,
    "useNestedQuery": BOOL,
    "parentDataPath": TEXT,
    "portDataPath": TEXT,
    "useTargetList": BOOL,
    "cacheTimeout": INT,
    "cache": {"enabled": BOOL, "timeout": INT},
    "targetPath": TEXT,
    "endpointReturnsList": BOOL,
}
OAUTH_CLIENT: Struct = {
    "clientId": TEXT,
    "clientSecret": TEXT,
    "method": TEXT,
    "header": SOURCE,
    "tokenUrl": TEXT,
    "scopes": TEXTS,
    "extraMetadata": TEXTS,
}
UPSTREAM: Struct = {
    "url": TEXT,
    "serviceDiscovery": SERVICE_DISCOVERY,
    "uptimeTests": {
        "enabled": BOOL,
        "serviceDiscovery": SERVICE_DISCOVERY,
        "tests": ListOf(
            {
                "url": TEXT,
                "timeout": DURATION,
                "method": TEXT,
                "headers": TEXT_MAP,
                "body": TEXT,
                "commands": ListOf({"name": TEXT, "message": TEXT}),
                "enableProxyProtocol": BOOL,
            }
        ),
        "hostDownRetestPeriod": DURATION,
        "logRetentionPeriod": DURATION,
    },
    "mutualTLS": {"enabled": BOOL, "domainToCertificateMapping": ListOf({"domain": TEXT, "certificate": TEXT})},
    "certificatePinning": {
        "enabled": BOOL,
        "domainToPublicKeysMapping": ListOf({"domain": TEXT, "publicKeys": TEXTS}),
    },
    "rateLimit": {"enabled": BOOL, "rate": INT, "per": DURATION},
    "authentication": {
        "enabled": BOOL,
        "basicAuth": {"enabled": BOOL, "header": SOURCE, "username": TEXT, "password": TEXT},
        "oauth": {
            "enabled": BOOL,
            "allowedAuthorizeTypes": TEXTS,
            "clientCredentials": OAUTH_CLIENT,
            "password": {**OAUTH_CLIENT, "username": TEXT, "password": TEXT},
        },
        "requestSigning": {
            "enabled": BOOL,
            "signatureHeader": TEXT,
            "algorithm": TEXT,
            "keyId": TEXT,
            "headers": TEXTS,
            "secret": TEXT,
            "certificateId": TEXT,
        },
    },
    "loadBalancing": {
        "enabled": BOOL,
        "skipUnavailableHosts": BOOL,
        "targets": ListOf({"url": TEXT, "weight": INT}),
    },
    "preserveHostHeader": SWITCH,
    "preserveTrailingSlash": SWITCH,
    "tlsTransport": {
        "insecureSkipVerify": BOOL,
        "ciphers": TEXTS,
        "minVersion": TEXT,
        "maxVersion": TEXT,
        "forceCommonNameCheck": BOOL,
    },
    "proxy": {"enabled": BOOL, "url": TEXT},
    "enforceTimeout": {"enabled": BOOL, "duration": DURATION},
}

PLUGINS = ListOf(
    {"enabled": BOOL, "functionName": TEXT, "path": TEXT, "code": TEXT, "rawBodyOnly": BOOL, "requireSession": BOOL}
)
HEADERS: Struct = {"enabled": BOOL, "remove": TEXTS, "add": NAMED_VALUES}
SIZE_LIMIT: Struct = {"enabled": BOOL, "value": INT}
GLOBAL: Struct = {
    "pluginConfig": {
        "driver": TEXT,
        "bundle": {"enabled": BOOL, "path": TEXT},
        "data": {"enabled": BOOL, "value": OBJECT},
    },
    "cors": {
        "enabled": BOOL,
        "maxAge": INT,
        "allowCredentials": BOOL,
        "exposedHeaders": TEXTS,
        "allowedHeaders": TEXTS,
        "optionsPassthrough": BOOL,
        "debug": BOOL,
        "allowedOrigins": TEXTS,
        "allowedMethods": TEXTS,
    },
    **{f"{stage}Plugin": {"plugins": PLUGINS} for stage in ("pre", "postAuthentication", "post", "response")},
    **{f"{stage}Plugins": PLUGINS for stage in ("pre", "postAuthentication", "post", "response")},
    "cache": {
        "enabled": BOOL,
        "timeout": INT,
        "cacheAllSafeRequests": BOOL,
        "cacheResponseCodes": ListOf(INT),
        "cacheByHeaders": TEXTS,
        "enableUpstreamCacheControl": BOOL,
        "controlTTLHeaderName": TEXT,
    },
    "transformRequestHeaders": HEADERS,
    "transformResponseHeaders": HEADERS,
    "contextVariables": SWITCH,
    "trafficLogs": {
        "enabled": BOOL,
        "tagHeaders": TEXTS,
        "customRetentionPeriod": DURATION,
        "plugins": PLUGINS,
    },
    "requestSizeLimit": SIZE_LIMIT,
    "ignoreCase": SWITCH,
    "skipRateLimit": BOOL,
    "skipQuota": BOOL,
    "skipQuotaReset": BOOL,
}

ALLOWANCE: Struct = {"enabled": BOOL, "ignoreCase": BOOL}
BODY: Struct = {"enabled": BOOL, "format": TEXT, "path": TEXT, "body": TEXT}
RULE: Struct = {"in": TEXT, "name": TEXT, "pattern": TEXT, "negate": BOOL}
OPERATION: Struct = {
    "allow": ALLOWANCE,
    "block": ALLOWANCE,
    "ignoreAuthentication": ALLOWANCE,
    "internal": SWITCH,
    "transformRequestMethod": {"enabled": BOOL, "toMethod": TEXT},
    "transformRequestBody": BODY,
    "transformResponseBody": BODY,
    "transformRequestHeaders": HEADERS,
    "transformResponseHeaders": HEADERS,
    "urlRewrite": {
        "enabled": BOOL,
        "pattern": TEXT,
        "rewriteTo": TEXT,
        "triggers": ListOf({"condition": TEXT, "rules": ListOf(RULE), "rewriteTo": TEXT}),
    },
    "cache": {"enabled": BOOL, "cacheByRegex": TEXT, "cacheResponseCodes": ListOf(INT), "timeout": INT},
    "enforceTimeout": {"enabled": BOOL, "value": INT, "duration": DURATION},
    "validateRequest": {"enabled": BOOL, "errorResponseCode": INT},
    "mockResponse": {
        "enabled": BOOL,
        "code": INT,
        "body": TEXT,
        "headers": NAMED_VALUES,
        "fromOASExamples": {"enabled": BOOL, "code": INT, "contentType": TEXT, "exampleName": TEXT},
    },
    "virtualEndpoint": {
        "enabled": BOOL,
        "name": TEXT,
        "functionName": TEXT,
        "path": TEXT,
        "body": TEXT,
        "proxyOnError": BOOL,
        "requireSession": BOOL,
    },
    "postPlugins": PLUGINS,
    "circuitBreaker": {
        "enabled": BOOL,
        "threshold": REAL,
        "sampleSize": INT,
        "coolDownPeriod": INT,
        "halfOpenStateEnabled": BOOL,
    },
    "trackEndpoint": SWITCH,
    "doNotTrackEndpoint": SWITCH,
    "requestSizeLimit": SIZE_LIMIT,
    "rateLimit": {"enabled": BOOL, "rate": INT, "per": DURATION},
    "scopeCheck": SWITCH,
    "exchange": {"enabled": BOOL, "audience": TEXT, "scopes": TEXTS},
}
GATEWAY: Struct = {
    "info": INFO,
    "server": SERVER,
    "upstream": UPSTREAM,
    "middleware": {
        "global": GLOBAL,
        "operations": MapOf(OPERATION),
        "mcpTools": MapOf(OPERATION),
        "mcpResources": MapOf(OPERATION),
        "mcpPrompts": MapOf(OPERATION),
    },
    "errorOverrides": {
        "enabled": BOOL,
        "value": MapOf(
            ListOf(
                {
                    "match": {"flag": TEXT, "messagePattern": TEXT, "bodyField": TEXT, "bodyValue": TEXT},
                    "response": {
                        "statusCode": INT,
                        "body": TEXT,
                        "message": TEXT,
                        "template": TEXT,
                        "headers": TEXT_MAP,
                    },
                }
            )
        ),
    },
}
