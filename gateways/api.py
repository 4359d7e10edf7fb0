"""What gateways call: they register, beat, fetch what they are to load, and leave.

Answers are those that Tyk Gateway 3.1 and 5 expect; a refusal is 403 with the text that newer ones look for.
"""

from collections.abc import Callable, Iterator

import msgspec
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from gateways import nodes, protocol
from gateways.feed import sending
from gateways.models import FeedItem, Node
from gateways.presence import PRESENCE
from gateways.protocol import Sent
from orgs.http import address

JSON = "application/json"


def register(request: HttpRequest, sent: Sent) -> HttpResponseBase:
    made = nodes.register(sent, address=address(request))
    return _json(protocol.registered(made.node_id, made.nonce))


def ping(request: HttpRequest, sent: Sent) -> HttpResponseBase:
    PRESENCE.ping(sent)
    return _json(protocol.registered(sent.node_id, sent.nonce))


def leave(request: HttpRequest, sent: Sent) -> HttpResponseBase:
    nodes.leave(sent)
    return _json(protocol.registered(sent.node_id, ""))


def apis(request: HttpRequest, sent: Sent) -> HttpResponseBase:
    return _list(sent, FeedItem.APIS)


def policies(request: HttpRequest, sent: Sent) -> HttpResponseBase:
    return _list(sent, FeedItem.POLICIES, if_empty=msgspec.json.encode(protocol.TOMBSTONE))


def identity_providers(request: HttpRequest, sent: Sent) -> HttpResponseBase:
    """Newer gateways ask for a registry of client identity providers; there are none."""
    nodes.recognise(sent)
    return _json({"Status": "OK", "Message": [], "Nonce": sent.nonce})


def quota_trigger(request: HttpRequest, sent: Sent) -> HttpResponseBase:
    """A key has used a share of its quota. The message holds the key itself, so nothing of it is kept or logged."""
    nodes.recognise(sent)
    return _json({"Status": "OK", "Message": {}, "Nonce": sent.nonce})


Handler = Callable[[HttpRequest, Sent], HttpResponseBase]
ROUTES: dict[str, dict[str, Handler]] = {
    "/register/node": {"GET": register},
    "/register/ping": {"GET": ping},
    "/system/node": {"GET": leave, "DELETE": leave},  # gateways before 4.0 send GET
    "/system/apis": {"GET": apis},
    "/system/policies": {"GET": policies},
    "/system/clientidps": {"GET": identity_providers},
    "/system/key/quota_trigger": {"POST": quota_trigger},
}


def _list(sent: Sent, kind: str, *, if_empty: bytes = b"") -> HttpResponseBase:
    node = nodes.recognise(sent)
    feed = sending.feed_of(node.group, kind)
    head = b'{"Status":"OK","Nonce":' + msgspec.json.encode(sent.nonce) + b',"Message":['
    response = StreamingHttpResponse(_stream(node, kind, feed, head, if_empty), content_type=JSON)
    if feed.length:
        response["Content-Length"] = str(len(head) + feed.length + 2)
    return response


def _stream(node: Node, kind: str, feed: sending.Feed, head: bytes, if_empty: bytes) -> Iterator[bytes]:
    yield head
    is_empty = True
    for chunk in feed.chunks:
        is_empty = is_empty and not chunk
        yield chunk
    yield (if_empty if is_empty else b"") + b"]}"
    sending.note_sent(node, kind, feed.state)


def _json(body: object) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(body), content_type=JSON)
