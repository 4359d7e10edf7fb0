import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.token import HashAlgorithm, chosen_id, digest, hash_token, mask, new_token, parse_token, token_for

ACME = "a" * 24
KEY_ID = "0123456789abcdef0123456789ab3c4d"
TOKEN = token_for(ACME, KEY_ID, HashAlgorithm.SHA256)

parts = st.text(st.sampled_from("abcXYZ019-_.@+{}[],:'"), min_size=1, max_size=60)
algorithms = st.sampled_from(HashAlgorithm)

M = 2**64 - 1
C1, C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F


def rotated(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & M


def finished(h: int) -> int:
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 1):
        h = (h ^ h >> 33) * factor & M
    return h


def murmur3_x64_128(data: bytes) -> tuple[int, int]:
    """MurmurHash3 x64 128 with seed 0, written from its definition."""
    h1 = h2 = 0
    for start in range(0, len(data), 16):
        block = data[start : start + 16]
        k1, k2 = int.from_bytes(block[:8], "little"), int.from_bytes(block[8:], "little")
        h1 ^= rotated(k1 * C1 & M, 31) * C2 & M
        h1 = (rotated(h1, 27) + h2) * 5 + 0x52DCE729 & M if len(block) == 16 else h1
        h2 ^= rotated(k2 * C2 & M, 33) * C1 & M
        h2 = (rotated(h2, 31) + h1) * 5 + 0x38495AB5 & M if len(block) == 16 else h2
    h1, h2 = h1 ^ len(data), h2 ^ len(data)
    h1 = h1 + h2 & M
    h2 = h2 + h1 & M
    h1, h2 = finished(h1), finished(h2)
    h1 = h1 + h2 & M
    return h1, h2 + h1 & M


def test_token_has_the_gateways_form() -> None:
    assert base64.b64decode(TOKEN) == f'{{"org":"{ACME}","id":"{KEY_ID}","h":"sha256"}}'.encode()


@pytest.mark.parametrize("algorithm", HashAlgorithm)
def test_new_token_is_random_and_padded_and_names_its_hash(algorithm: HashAlgorithm) -> None:
    first, second = (new_token(organisation_id=ACME, algorithm=algorithm) for _ in range(2))
    plain = json.loads(base64.b64decode(first, validate=True))
    assert first != second
    assert first.startswith("eyJvcmciOi")
    assert list(plain) == ["org", "id", "h"]
    assert (plain["org"], plain["h"]) == (ACME, algorithm.value)
    assert re.fullmatch("[0-9a-f]{32}", plain["id"])


@pytest.mark.parametrize("part", ["", 'x","h":"murmur64', "a b", "a\nb", "back\\slash", "é", "\ud800", "x" * 201])
def test_token_refuses_a_part_that_could_break_out(part: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        token_for(ACME, part, HashAlgorithm.SHA256)
    with pytest.raises(ValueError, match="printable ASCII"):
        token_for(part, KEY_ID, HashAlgorithm.SHA256)


@given(parts, parts, algorithms)
def test_token_survives_the_round_trip(organisation_id: str, key_id: str, algorithm: HashAlgorithm) -> None:
    token = token_for(organisation_id, key_id, algorithm)
    parsed = parse_token(token)
    assert parsed is not None
    assert (parsed.organisation_id, parsed.key_id, parsed.algorithm) == (organisation_id, key_id, algorithm)
    assert parsed.text == token


@pytest.mark.parametrize(
    "pasted",
    [
        f"  {TOKEN}\r\n",
        f"Bearer {TOKEN}",
        f"authorization: bearer {TOKEN}",
        f"Authorization:{TOKEN}",
        f'"{TOKEN}"',
        f"“{TOKEN}”",
        f"curl -H 'Authorization: {TOKEN}' https://gateway.example/orders/",
        f"https://gateway.example/orders/?key={TOKEN.replace('=', '%3D')}&page=2",
        TOKEN.rstrip("="),
    ],
)
def test_pasted_token_is_found(pasted: str) -> None:
    assert parse_token(pasted) == parse_token(TOKEN)
    assert parse_token(TOKEN) is not None


def encoded(plain: str) -> str:
    return base64.b64encode(plain.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "orders key",
        ACME + KEY_ID,
        TOKEN[:-6],
        "x" + TOKEN,
        TOKEN.rstrip("=") + "x",
        encoded(f'{{"org":"{ACME}","id":"{KEY_ID}","h":"murmur32"}}'),
        encoded(f'{{"org":"{ACME}","id":"{KEY_ID}","h":"sha256"}} '),
        encoded(f'{{"org":"{ACME}","h":"sha256","id":"{KEY_ID}"}}'),
        encoded(f'{{"org":"","id":"{KEY_ID}","h":"sha256"}}'),
        encoded('{"org":"' + "é" * 40),
        "eyJvcmciOi" + "A" * 100_000,
    ],
)
def test_other_text_is_no_token(text: str) -> None:
    assert parse_token(text) is None


def test_token_has_only_one_spelling() -> None:
    token = token_for(ACME, "k" * 6, HashAlgorithm.SHA256)
    other = token.replace("Q==", "R==")
    assert token.endswith("Q==")
    assert other != token
    assert base64.b64decode(other) == base64.b64decode(token)
    assert parse_token(other) is None


@given(st.one_of(st.text(), st.text("eyJvcmciOiABab01+/= \"'\ud800").map("eyJvcmciOi".__add__)))
def test_parsing_any_text_never_raises(text: str) -> None:
    assert parse_token(text) is None


@given(st.binary(max_size=60))
def test_parsing_any_base64_behind_a_tokens_start_never_raises(data: bytes) -> None:
    parsed = parse_token(base64.b64encode(b'{"org":"' + data).decode())
    assert parsed is None or token_for(parsed.organisation_id, parsed.key_id, parsed.algorithm) == parsed.text


def test_hashes_of_a_known_text() -> None:
    text = "The quick brown fox jumps over the lazy dog"
    assert {algorithm.value: hash_token(text, algorithm) for algorithm in HashAlgorithm} == {
        "sha256": "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592",
        "murmur64": "e34bbc7bbc071b6c",
        "murmur128": "e34bbc7bbc071b6c7a433ca9c49a9347",
    }


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_murmur_hashes_follow_the_definition(text: str) -> None:
    low, high = murmur3_x64_128(text.encode())
    assert hash_token(text, HashAlgorithm.MURMUR64) == f"{low:016x}"
    assert hash_token(text, HashAlgorithm.MURMUR128) == f"{low:016x}{high:016x}"


def test_digest_depends_on_token_and_pepper() -> None:
    # RFC 4231, test case 2.
    assert (
        digest("what do ya want for nothing?", b"Jefe")
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    assert len({digest(TOKEN, b"one"), digest(TOKEN, b"two"), digest(TOKEN[:-1], b"one")}) == 3


def test_digest_refuses_an_empty_pepper() -> None:
    with pytest.raises(ValueError, match="The pepper for keys is empty"):
        digest(TOKEN, b"")


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        (TOKEN, "…3c4d"),
        (token_for(ACME, "k" * 12 + "last", HashAlgorithm.MURMUR64), "…last"),
        (token_for(ACME, "mycustomkey", HashAlgorithm.SHA256), "…"),
        (ACME + KEY_ID, "…"),
    ],
)
def test_mask_shows_at_most_four_characters_of_the_id(token: str, shown: str) -> None:
    assert mask(token) == shown


@given(parts, algorithms)
def test_mask_never_contains_the_id(key_id: str, algorithm: HashAlgorithm) -> None:
    shown = mask(token_for(ACME, key_id, algorithm))
    assert key_id not in shown
    assert shown == "…" or (len(shown) == 5 and key_id.endswith(shown[1:]))


def test_parsed_token_keeps_its_secret_out_of_its_repr() -> None:
    shown = repr(parse_token(TOKEN))
    assert KEY_ID not in shown
    assert TOKEN not in shown


@pytest.mark.parametrize("text", ["mobile-app", "joe@example.org", "a.b_c+d", "x" * 100, f"{ACME}mobile-app"])
def test_a_chosen_id_is_what_a_gateway_looks_up(text: str) -> None:
    chosen = chosen_id(text, ACME)
    assert chosen == text.removeprefix(ACME)
    parsed = parse_token(token_for(ACME, chosen, HashAlgorithm.SHA256))
    assert parsed is not None
    assert parsed.key_id == chosen


@pytest.mark.parametrize(
    "text", ["", "short", "x" * 101, "with space", 'qu"ote', "co:lon", "größer", "line\nbreak\n", "back\\slash", ACME]
)
def test_an_id_that_cannot_be_chosen_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="give 6 to 100 letters"):
        chosen_id(text, ACME)


def test_a_shorter_id_is_taken_where_it_may_be() -> None:
    assert chosen_id("joe", ACME, least=1) == "joe"
