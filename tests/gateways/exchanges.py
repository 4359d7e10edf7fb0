"""What real gateways were seen to send: Tyk Gateway 3.1.2 and 5, to a server that wrote it down.

Names of headers in lower case, without those that every Go client sends.
"""

Exchange = tuple[str, str, frozenset[str]]


def seen(method: str, path: str, *headers: str) -> Exchange:
    return method, path, frozenset(headers)


IN_GENERATION_3: frozenset[Exchange] = frozenset(
    {
        seen("GET", "/register/node", "authorization", "x-tyk-hostname"),
        seen("GET", "/register/ping", "authorization", "x-tyk-hostname", "x-tyk-nodeid", "x-tyk-nonce"),
        seen("GET", "/system/policies", "authorization", "x-tyk-nodeid", "x-tyk-nonce"),
        seen("GET", "/system/apis", "authorization", "x-tyk-nodeid", "x-tyk-nonce"),
        seen("GET", "/system/node", "authorization", "x-tyk-hostname", "x-tyk-nodeid", "x-tyk-nonce"),
        seen("POST", "/system/key/quota_trigger", "authorization", "x-tyk-nodeid", "x-tyk-nonce"),
    }
)
S = "x-tyk-session-id"
IN_GENERATION_5: frozenset[Exchange] = frozenset(
    {
        seen("GET", "/register/node", "authorization", "x-tyk-hostname", S),
        seen("GET", "/register/ping", "authorization", "x-tyk-hostname", "x-tyk-nodeid", "x-tyk-nonce", S),
        seen("GET", "/system/policies", "authorization", "x-tyk-nodeid", "x-tyk-nonce", S),
        seen("GET", "/system/apis", "authorization", "x-tyk-nodeid", "x-tyk-nonce", S),
        seen("GET", "/system/clientidps", "authorization", "x-tyk-nodeid", "x-tyk-nonce", S),
        seen("DELETE", "/system/node", "authorization", "x-tyk-hostname", "x-tyk-nodeid", "x-tyk-nonce", S),
        seen("POST", "/system/key/quota_trigger", "authorization", "x-tyk-nodeid", "x-tyk-nonce"),
    }
)
