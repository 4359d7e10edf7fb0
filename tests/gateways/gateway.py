"""A gateway for tests: it says what Tyk Gateway 3.1 and 5 say, refuses what they refuse, and lets through what they do.

What it says is held against recorded calls of real ones (`exchanges.py`), and where there is a real one, against that.
It does not keep organisations apart: neither do they.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import redis

Send = Callable[[str, str, dict[str, str], str], tuple[int, str]]
CHANNEL = "tyk.cluster.notifications"
RELOADS = ("ApiUpdated", "ApiAdded", "ApiRemoved", "PolicyChanged", "GroupReload")
HEX = set("0123456789abcdefABCDEF")
# A few of the types that Go insists on; the rest is in the product's own table.
TYPES: dict[str, type | tuple[type, ...]] = {
    "active": bool, "use_keyless": bool, "session_lifetime": int, "tags": list, "proxy": dict, "version_data": dict,
    "name": str, "org_id": str, "api_id": str, "domain": str,
}  # fmt: skip
POLICY_TYPES: dict[str, type | tuple[type, ...]] = {
    "rate": (int, float), "per": (int, float), "quota_max": int, "is_inactive": bool, "tags": list, "name": str,
    "org_id": str, "access_rights": dict, "last_updated": str,
}  # fmt: skip


class ListRefused(Exception):
    """A gateway keeps what it had, of every organisation."""


@dataclass
class Gateway:
    """`send` performs a call and returns the status and the body; `generation` is "3.1" or "5"."""

    send: Send
    secret: str
    bus: "redis.Redis | None" = None
    host_name: str = "gw-1"
    generation: str = "3.1"
    session_id: str = "8a3ecd0a-8f1b-4c68-8d36-2e0e4f5a7c11"
    tags: tuple[str, ...] = ()
    node_id: str = ""
    nonce: str = ""
    apis: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    cache: dict[str, dict[str, Any]] = field(default_factory=dict)

    # What it says

    def register(self) -> int:
        status, body = self.call("GET", "/register/node", "authorization", "x-tyk-hostname")
        if status == 200:
            answer = json.loads(body)
            self.node_id, self.nonce = answer["Message"]["NodeID"], answer["Nonce"]
        return status

    def ping(self) -> int:
        status, body = self.call("GET", "/register/ping", *NAMES)
        if status == 403:
            return self.register()
        if status == 200:
            answer = json.loads(body)
            assert all(isinstance(value, str) for value in answer["Message"].values())  # Go's map[string]string
            self.nonce = answer["Nonce"]
        return status

    def leave(self) -> int:
        method = "GET" if self.generation == "3.1" else "DELETE"
        return self.call(method, "/system/node", *NAMES)[0]

    def load(self) -> None:
        """Fetch policies, then APIs. Raises ListRefused for a list that a gateway cannot take."""
        self.load_policies()
        self.load_apis()

    def load_policies(self) -> None:
        status, body = self.call("GET", "/system/policies", *[name for name in NAMES if name != "x-tyk-hostname"])
        if status != 200:
            raise ListRefused(f"{status} {body}")
        answer = json.loads(body)
        self.nonce = answer["Nonce"]
        found = {policy["_id"]: policy for policy in answer["Message"]}
        for id, policy in found.items():
            check(policy, POLICY_TYPES)
            check_id(id)
        if found:  # an empty list clears nothing
            self.policies = found

    def load_apis(self) -> None:
        status, body = self.call("GET", "/system/apis", *[name for name in NAMES if name != "x-tyk-hostname"])
        if status != 200:
            raise ListRefused(f"{status} {body}")
        answer = json.loads(body)
        self.nonce = answer["Nonce"]
        found = {}
        for entry in answer["Message"]:
            definition = entry["api_definition"]
            assert definition is not None, "A gateway crashes here."
            check(definition, TYPES)
            check_id(definition["id"])
            assert bool(definition.get("is_oas")) is (entry["oas"] is not None)
            if not self.tags or set(self.tags) & set(definition.get("tags") or []):
                found[definition["api_id"]] = definition
        self.apis = found

    def trigger(self, organisation_id: str, token: str) -> int:
        body = {
            "Message": "Quota trigger reached", "OriginatingRequest": "", "org_id": organisation_id, "key": token,
            "trigger_limit": 50, "usage_percentage": 50,
        }  # fmt: skip
        names = [name for name in NAMES if name != "x-tyk-hostname"]
        return self.call("POST", "/system/key/quota_trigger", *names, body=json.dumps(body))[0]

    def identity_providers(self) -> int:
        return self.call("GET", "/system/clientidps", *[name for name in NAMES if name != "x-tyk-hostname"])[0]

    def call(self, method: str, path: str, *names: str, body: str = "") -> tuple[int, str]:
        values = {
            "authorization": self.secret, "x-tyk-hostname": self.host_name,
            "x-tyk-nodeid": self.node_id, "x-tyk-nonce": self.nonce,
        }  # fmt: skip
        headers = {name: values[name] for name in names}
        if self.generation != "3.1" and path != "/system/key/quota_trigger":
            headers["x-tyk-session-id"] = self.session_id
        return self.send(method, path, headers, body)

    # What it hears

    def hear(self, message: str) -> str:
        """Take a message of the channel; return what it did: "reload", "drop" or nothing, where it is not signed."""
        notice = json.loads(message)
        expected = hashlib.sha256(f"{notice['command']}{notice['payload']}{self.secret}".encode()).hexdigest()
        if notice["signature"] != expected or notice["algorithm"] != 5:
            return ""
        if notice["command"] in RELOADS:
            self.load()
            return "reload"
        for hash in notice["payload"].split(","):
            self.cache.pop(hash, None)
        return "drop"

    # Whom it lets through

    def opens(self, path: str, token: str = "") -> int:
        """Return the status with which a call of this path ends: 200 where it would be passed on."""
        api = next((a for a in self.apis.values() if path.startswith(a["proxy"]["listen_path"])), None)
        if api is None:
            return 404
        if self.organisation_is_off(api["org_id"]):
            return 403
        if api.get("use_keyless"):
            return 200
        if not token:
            return 401
        session = self.session(token)
        if session is None or session["is_inactive"]:
            return 403
        if 0 < session["expires"] < time.time():
            return 401
        return self.may_open(session, api)

    def may_open(self, session: dict[str, Any], api: dict[str, Any]) -> int:
        rights = session["access_rights"]
        for id in session["apply_policies"]:
            policy = self.policies.get(id)
            if policy is None or policy["org_id"] != api["org_id"] or policy["is_inactive"]:
                return 403
            rights = policy["access_rights"] or rights
        if rights and api["api_id"] not in rights:
            return 403
        return 200  # also without any rights: that is a master key

    def session(self, token: str) -> dict[str, Any] | None:
        assert self.bus is not None
        hash = hashlib.sha256(token.encode()).hexdigest()
        if hash not in self.cache:
            stored = self.bus.get(f"apikey-{hash}")
            if stored is None:
                return None
            self.cache[hash] = json.loads(stored)
        return self.cache[hash]

    def organisation_is_off(self, organisation_id: str) -> bool:
        stored = self.bus.get(f"orgkey.{organisation_id}") if self.bus else None
        return stored is not None and bool(json.loads(stored)["is_inactive"])


NAMES = ("authorization", "x-tyk-hostname", "x-tyk-nodeid", "x-tyk-nonce")


def check(document: dict[str, Any], types: dict[str, type | tuple[type, ...]]) -> None:
    for name, wanted in types.items():
        value = document.get(name)
        if value is not None and (not isinstance(value, wanted) or (wanted is not bool and isinstance(value, bool))):
            raise ListRefused(f"json: cannot unmarshal {value!r} into {name}")


def check_id(id: str) -> None:
    if len(id) != 24 or not set(id) <= HEX:
        raise ListRefused(f"{id!r} is no ObjectId")
