"""The one function that runs as the owner: it must be ours, word for word, and the web's role alone may call it."""

from collections.abc import Iterator

from orgs import walls
from orgs.proof.finding import Cursor, Finding, rows

SIGNATURE = f"{walls.DELETION}(text)"
PLACE = f"function {SIGNATURE}"


def findings(cursor: Cursor, web: str) -> Iterator[Finding]:
    query = """
        SELECT prosrc, prosecdef, proconfig, lanname, pg_get_userbyid(proowner), pg_get_userbyid(relowner),
            ARRAY(SELECT CASE grantee WHEN 0 THEN 'everybody' ELSE pg_get_userbyid(grantee)::text END
                  FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee <> proowner ORDER BY 1)
        FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
        LEFT JOIN pg_class ON pg_class.oid = to_regclass('public.orgs_organisation')
        WHERE pg_proc.oid = to_regprocedure(%(function)s)
    """
    found = rows(cursor, query, function=f"public.{SIGNATURE}")
    if not found:
        yield Finding(PLACE, "It does not exist.", "Run `manage.py migrate`.")
        return
    [(body, *how, owner, tables_owner, callers)] = found
    if (body, how) != (walls.deletion_body(), [True, [f"search_path={walls.DELETION_PATH}"], "plpgsql"]):
        yield Finding(PLACE, "It is not as the code defines it.")
    if owner != tables_owner:
        yield Finding(PLACE, f"It runs as {owner}, who does not own the tables.", "Drop it; run `manage.py migrate`.")
    for role in sorted(set(callers) - {web}):
        yield Finding(PLACE, f"{role} may call it.", f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM {role}.")
    if web not in callers:
        yield Finding(PLACE, f"{web} may not call it, which the Admin API needs.")
