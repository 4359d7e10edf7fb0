"""A name server on this machine, which says what a test wants, or nothing."""

import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class NameServer:
    """`records` are the TXT records by name. Names in `silent` are never answered, those in `broken` with an error."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.socket.getsockname()
        self.records: dict[str, list[str]] = {}
        self.silent: set[str] = set()
        self.broken: set[str] = set()
        self.asked: list[str] = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                wire, peer = self.socket.recvfrom(4_096)
            except OSError:
                return
            if answer := self.answer(dns.message.from_wire(wire)):
                self.socket.sendto(answer.to_wire(), peer)

    def answer(self, query: dns.message.Message) -> dns.message.Message | None:
        name = query.question[0].name
        asked = name.to_text(omit_final_dot=True)
        self.asked.append(asked)
        if asked in self.silent:
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if asked in self.broken:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif asked in self.records:
            quoted = ['"' + '" "'.join(_pieces(text)) + '"' for text in self.records[asked]]
            if quoted:
                response.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *quoted))
        else:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response

    def close(self) -> None:
        self.socket.close()


def _pieces(text: str) -> list[str]:
    """A text of a record has at most 255 bytes; a longer one is several."""
    return [text[at : at + 100].replace("\\", "\\\\").replace('"', '\\"') for at in range(0, len(text), 100)] or [""]
