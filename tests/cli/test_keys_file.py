import json
from pathlib import Path

import pytest

from dashboard.cli import keys_file
from dashboard.cli.failures import Failure
from dashboard.cli.importing import Todo
from tests.cli.making import put


def test_json_lines_are_sent_as_they_stand(tmp_path: Path) -> None:
    file = put(tmp_path, "keys.jsonl", '{"alias":"one","rate":1.50}\n\n{"key_hash":"h","data":{"alias":"two"}}\n')
    lines = list(keys_file.read(file))
    assert [(line.number, line.alias, line.content) for line in lines] == [
        (1, "one", b'{"alias":"one","rate":1.50}'),
        (3, "two", b'{"alias":"two"}'),
    ]


def test_a_row_of_a_csv_file_becomes_a_session(tmp_path: Path) -> None:
    head = "alias,apis,policies,rate,per,quota_max,quota_renewal_rate,expires,tags,meta.team\n"
    row = '"Anna, Ltd.",o1; s1,p1,10,60.5,-1,3600,2030-01-01,a;b,blue\n'
    (line,) = keys_file.read(put(tmp_path, "keys.csv", head + row))
    right = {"api_name": "", "versions": []}
    assert json.loads(line.content) == {
        "alias": "Anna, Ltd.",
        "access_rights": {"o1": {"api_id": "o1", **right}, "s1": {"api_id": "s1", **right}},
        "apply_policies": ["p1"],
        "rate": 10,
        "per": 60.5,
        "quota_max": -1,
        "quota_renewal_rate": 3600,
        "expires": 1893456000,
        "tags": ["a", "b"],
        "meta_data": {"team": "blue"},
    }
    assert (line.number, line.alias) == (2, "Anna, Ltd.")


def test_empty_cells_say_nothing(tmp_path: Path) -> None:
    (line,) = keys_file.read(put(tmp_path, "keys.csv", "alias,apis,rate\none,o1,\n,,\n"))
    assert json.loads(line.content).keys() == {"alias", "access_rights"}


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("k.jsonl", '{"alias":"one"}\n[]\n', "Line 2 is not a JSON object"),
        ("k.jsonl", '{"alias":', "Line 1 is not a JSON object"),
        ("k.jsonl", '{"data":[]}', "Line 1 is not a JSON object"),
        ("k.csv", "alias,apis\none,o1,x\n", "Line 2 has 3 values for 2 columns"),
        ("k.csv", "alias,apis,rate\none,o1,many\n", "Line 2: “many” is nothing for the column rate"),
        ("k.csv", "alias,apis,expires\none,o1,soon\n", "Line 2: “soon” is nothing for the column expires"),
        ("k.csv", "alias,apis,colour\n", "There is no column “colour”"),
        ("k.csv", "alias,rate\n", "with apis or policies among them"),
        ("k.csv", "apis,apis\n", "each once"),
        ("k.csv", 'alias,apis\n"one\n', "is not CSV"),
    ],
)
def test_the_line_of_what_is_wrong_is_told(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    with pytest.raises(Failure) as refused:
        list(keys_file.read(put(tmp_path, name, text)))
    assert sentence in refused.value.message


def test_batches_have_a_thousand_keys_at_most(tmp_path: Path) -> None:
    file = put(tmp_path, "keys.jsonl", '{"alias":"one"}\n' * 2_001)
    todo = Todo(file, start=1)
    assert [(batch.words, len(batch.lines)) for batch in todo.batches()] == [
        ("lines 1 to 1000", 1000),
        ("lines 1001 to 2000", 1000),
        ("lines 2001 to 2001", 1),
    ]
    assert todo.count() == 2_001
    assert [batch.words for batch in Todo(file, start=2_000).batches()] == ["lines 2000 to 2001"]


def test_batches_stay_below_the_largest_body(tmp_path: Path) -> None:
    file = put(tmp_path, "keys.jsonl", (json.dumps({"alias": "x" * 900_000}) + "\n") * 9)
    bodies = [bytes(batch.body) for batch in Todo(file).batches()]
    assert [len(json.loads(body)) for body in bodies] == [4, 4, 1]
    assert max(map(len, bodies)) < 5_000_000
