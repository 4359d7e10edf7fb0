"""The function that deletes an organisation, broken in each way, and what the proof then says."""

import pytest

from orgs import proof
from orgs.definers import definers
from orgs.proof import probes
from orgs.proof.finding import Report
from orgs.proof.world import make_world, undone
from orgs.walls import owned_models
from tests.walls.conftest import Walls
from tests.walls.test_proof import broken, found

FUNCTION = definers()[0]
PLACE = f"function {FUNCTION.signature}"
UNGUARDED = FUNCTION.body
UNGUARDED = UNGUARDED[: UNGUARDED.index("IF wanted")] + UNGUARDED[UNGUARDED.index("END IF;") + 7 :]
REPLACE = (
    f"CREATE OR REPLACE FUNCTION {FUNCTION.name}(wanted text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER"
    f" SET search_path = {FUNCTION.settings['search_path']} AS $body${UNGUARDED}$body$"
)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (f"DROP FUNCTION {FUNCTION.signature}", "It does not exist."),
        (REPLACE, "It is not as the code defines it."),
        (f"ALTER FUNCTION {FUNCTION.signature} SET search_path = public", "It is not as the code defines it."),
        (f"ALTER FUNCTION {FUNCTION.signature} SECURITY INVOKER", "It is not as the code defines it."),
        (f"GRANT EXECUTE ON FUNCTION {FUNCTION.signature} TO PUBLIC", "everybody may call it."),
        (
            f"GRANT EXECUTE ON FUNCTION {FUNCTION.signature} TO commonhold_overview",
            "commonhold_overview may call it.",
        ),
        (
            f"REVOKE ALL ON FUNCTION {FUNCTION.signature} FROM commonhold_web",
            "commonhold_web may not call it, which Commonhold needs.",
        ),
        (
            f"ALTER FUNCTION {FUNCTION.signature} OWNER TO postgres",
            "It runs as postgres, who does not own the tables.",
        ),
    ],
)
def test_proof_names_a_function_that_is_not_ours(walls: Walls, statement: str, fault: str) -> None:
    walls.run(statement)
    assert f"{PLACE}: {fault}" in walls.faults()


def attempts() -> list[str]:
    report = Report()
    with undone():
        rows = make_world()
        for case in probes.cases(rows):
            probes.try_deletion(report, rows, case)
    return found(report, PLACE)


def test_attempts_get_through_where_neither_guard_stands(installed: None) -> None:
    unforced = [f"ALTER TABLE {model._meta.db_table} NO FORCE ROW LEVEL SECURITY" for model in owned_models()]
    with broken(REPLACE):
        assert attempts() == []
        assert "It is not as the code defines it." in found(proof.prove(), PLACE)
    with broken(*unforced):
        assert attempts() == []
    with broken(REPLACE, *unforced):
        faults = attempts()
    assert "It is possible to delete another organisation in the scope of one organisation." in faults
    assert "It is possible to delete one organisation in a visit to one organisation." in faults
