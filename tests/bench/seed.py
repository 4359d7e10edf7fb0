"""Fills a database with an installation of a given size, by SQL: a million keys take a minute or two, not an hour.

The rows are of the shapes that the services make; names and tags are drawn from small vocabularies.
"""

import psycopg

LARGEST, MIDDLING = "org-1", "org-500"
WIRE, WIDE = "wire", "wide"  # 1,000 and 20,000 definitions of 5 kB

ORGANISATIONS = """
INSERT INTO orgs_organisation (id, slug, name, colour, contact, is_suspended, suspension_reason, extra)
SELECT lpad(to_hex(n), 24, '0'), 'org-' || n, 'Organisation ' || n, 'blue', '', false, '', '{}'
FROM generate_series(1, %(organisations)s) n
"""

# Half of the APIs' and a tenth of the keys' share goes to the first organisation, the rest evenly to the others.
APIS = """
CREATE TEMPORARY TABLE seeded_apis AS
SELECT n, lpad(to_hex(n), 24, '0') AS id, lpad(to_hex(n), 32, '0') AS api_id,
    lpad(to_hex(CASE WHEN n <= %(apis)s / 10 THEN 1 ELSE 2 + n %% (%(organisations)s - 1) END), 24, '0') AS organisation_id,
    (ARRAY['Payments', 'Orders', 'Catalogue', 'Customers', 'Billing', 'Search', 'Shipping', 'Stock'])[1 + n %% 8]
        || ' ' || (ARRAY['public', 'internal', 'partner', 'legacy'])[1 + n / 8 %% 4] || ' v' || n %% 7 AS name
FROM generate_series(1, %(apis)s) n;
INSERT INTO apis_api (id, organisation_id, definition, openapi, authentication, tags, revision, categories, user_owners,
    group_owners, hook_references)
SELECT id, organisation_id, json_build_object(
        'name', name, 'slug', 'api-' || n, 'active', n %% 10 > 0, 'auth', json_build_object('auth_header_name', 'Authorization'),
        'version_data', json_build_object('not_versioned', true, 'versions', json_build_object('Default', json_build_object('name', 'Default'))),
        'proxy', json_build_object('listen_path', '/api-' || n || '/', 'target_url', 'https://upstream-' || n || '.example/', 'strip_listen_path', true),
        'use_standard_auth', true, 'id', id, 'api_id', api_id, 'org_id', organisation_id)::text,
    '', CASE WHEN n %% 5 = 0 THEN 'keyless' ELSE 'token' END, ARRAY['region-' || n %% 4], 1, '{}', '{}', '{}', '[]'
FROM seeded_apis;
INSERT INTO apis_apiterm (organisation_id, term, api_id)
SELECT DISTINCT organisation_id, term, id
FROM seeded_apis, regexp_split_to_table(lower(name) || ' api ' || n || ' ' || id || ' #region-' || n %% 4, ' ') term
"""

KEYS = """
CREATE TEMPORARY TABLE seeded_keys AS
SELECT n, lpad(to_hex(n), 24, '0') AS id,
    lpad(to_hex(CASE WHEN n <= %(keys)s / 10 THEN 1 ELSE 2 + n %% (%(organisations)s - 1) END), 24, '0') AS organisation_id,
    (ARRAY['mobile', 'web', 'batch', 'partner', 'reporting', 'kiosk', 'import', 'monitor'])[1 + n %% 8]
        || '-' || (ARRAY['production', 'staging', 'test'])[1 + n / 8 %% 3] || '-' || n AS alias
FROM generate_series(1, %(keys)s) n;
INSERT INTO keys_key (id, organisation_id, alias, hash_algorithm, hash, digest, masked, previous_hash, previous_digest,
    previous_masked, has_all_apis, rate, per_s, quota_max, quota_window_s, expires_at, is_disabled, revoked_at, tags, metadata, revision,
    username, extra, sealed)
SELECT id, organisation_id, alias, 'sha256', encode(sha256(id::bytea), 'hex'), encode(sha256(('d' || id)::bytea), 'hex'),
    '…' || right(id, 4), '', '', '', n %% 50 = 0, 10, 1, -1, 3600,
    CASE WHEN n %% 4 = 0 THEN now() + (n %% 400 - 40) * interval '1 day' END, n %% 29 = 0,
    CASE WHEN n %% 31 = 0 THEN now() END, ARRAY['team-' || n %% 200], '{}', 1, '', '{}', ''
FROM seeded_keys;
INSERT INTO keys_keyterm (organisation_id, term, key_id)
SELECT DISTINCT organisation_id, term, id
FROM seeded_keys, regexp_split_to_table(alias || '-#team_' || n %% 200, '-') AS term;
UPDATE keys_keyterm SET term = replace(term, '_', '-') WHERE term LIKE '#%%';
INSERT INTO keys_keyaccess (organisation_id, key_id, api_id, versions, allowed_urls, extra)
SELECT DISTINCT ON (keys.id) keys.organisation_id, keys.id, apis.id, ARRAY['Default'], '[]'::jsonb, '{}'::jsonb
FROM seeded_keys keys JOIN (
    SELECT id, organisation_id, row_number() OVER (PARTITION BY organisation_id ORDER BY id) AS place,
        count(*) OVER (PARTITION BY organisation_id) AS many FROM seeded_apis
) apis ON apis.organisation_id = keys.organisation_id AND apis.place = 1 + keys.n %% apis.many
WHERE keys.n %% 50 > 0
"""

DEFINITIONS = """
INSERT INTO orgs_organisation (id, slug, name, colour, contact, is_suspended, suspension_reason, extra)
VALUES (%(id)s::text, %(slug)s::text, 'Definitions', 'blue', '', false, '', '{}');
INSERT INTO apis_api (id, organisation_id, definition, openapi, authentication, tags, revision, categories, user_owners,
    group_owners, hook_references)
SELECT %(prefix)s::text || lpad(to_hex(n), 20, '0'), %(id)s::text, json_build_object(
        'name', 'Definition ' || n, 'slug', 'definition-' || n, 'active', true, 'auth', json_build_object('auth_header_name', 'Authorization'),
        'version_data', json_build_object('not_versioned', true, 'versions', json_build_object('Default', json_build_object('name', 'Default',
            'use_extended_paths', true, 'extended_paths', json_build_object('white_list', (SELECT json_agg(json_build_object('path', '/orders/' || i,
            'ignore_case', false, 'method_actions', json_build_object('GET', json_build_object('action', 'no_action', 'code', 200, 'headers', json_build_object())))) FROM generate_series(1, 33) i))))),
        'proxy', json_build_object('listen_path', '/' || %(slug)s::text || '-' || n || '/', 'target_url', 'https://upstream-' || n || '.example/', 'strip_listen_path', true),
        'use_standard_auth', true, 'id', %(prefix)s::text || lpad(to_hex(n), 20, '0'), 'api_id', %(prefix)s::text || lpad(to_hex(n), 28, '0'), 'org_id', %(id)s::text)::text,
    '', 'token', '{}', 1, '{}', '{}', '{}', '[]'
FROM generate_series(1, %(many)s::int) n
"""


def seed_definitions(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Add the two organisations whose definitions are listed over HTTP."""
    connection.execute("SET session_replication_role = replica")
    for slug, prefix, many in ((WIRE, "aaaa", 1_000), (WIDE, "bbbb", 20_000)):
        values = {"id": prefix * 6, "slug": slug, "prefix": prefix, "many": many}
        for statement in DEFINITIONS.split(";\n"):
            connection.execute(statement.encode(), values)
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE apis_api")


def seed(connection: "psycopg.Connection[tuple[object, ...]]", *, organisations: int, apis: int, keys: int) -> None:
    """Fill the empty database as a superuser, who is not held by the walls."""
    sizes = {"organisations": organisations, "apis": apis, "keys": keys}
    connection.execute("SET session_replication_role = replica")
    for script in (ORGANISATIONS, APIS, KEYS):
        for statement in script.split(";\n"):
            connection.execute(statement.encode(), sizes)
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")
