"""The functions that run as the owner: each must be ours, word for word, and one role alone may call it."""

from collections.abc import Iterator

from orgs import definers
from orgs.definers import Definer
from orgs.proof.finding import Cursor, Finding, rows


def findings(cursor: Cursor, web: str) -> Iterator[Finding]:
    for definer in definers.definers():
        yield from findings_of(cursor, definer, definer.caller or web)


def place_of(definer: Definer) -> str:
    return f"function {definer.signature}"


def findings_of(cursor: Cursor, definer: Definer, caller: str) -> Iterator[Finding]:
    query = """
        SELECT prosrc, prosecdef, proconfig, lanname, pg_get_userbyid(proowner), pg_get_userbyid(relowner),
            ARRAY(SELECT CASE grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(grantee)::text END
                  FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee <> proowner ORDER BY 1)
        FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
        LEFT JOIN pg_class ON pg_class.oid = to_regclass('public.orgs_organisation')
        WHERE pg_proc.oid = to_regprocedure(%(function)s)
    """
    place = place_of(definer)
    found = rows(cursor, query, function=f"public.{definer.signature}")
    if not found:
        yield Finding(place, "It does not exist.", "Run `manage.py migrate`.")
        return
    [(body, *how, owner, tables_owner, callers)] = found
    settings = [f"{name}={value}" for name, value in definer.settings.items()]
    if (body, how) != (definer.body, [True, settings, "plpgsql"]):
        yield Finding(place, "It is not as the code defines it.")
    if owner != tables_owner:
        yield Finding(place, f"It runs as {owner}, who does not own the tables.", "Drop it; run `manage.py migrate`.")
    for role in sorted(set(callers) - {caller}):
        yield Finding(place, f"{role} may call it.", f"REVOKE ALL ON FUNCTION {definer.signature} FROM {role}.")
    if caller not in callers:
        yield Finding(place, f"{caller} may not call it, which Commonhold needs.")
