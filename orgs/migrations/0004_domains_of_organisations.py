"""The domain that an organisation had, which whoever runs the installation gave it, is a domain that they vouch for."""

from django.db import migrations

from orgs.ids import new_id
from orgs.models import new_token

FOUND = "SELECT id, domain FROM orgs_organisation WHERE domain IS NOT NULL"
MOVED = """
INSERT INTO orgs_domain (id, organisation_id, host, purpose, token, proven_at, proven_by, fault)
VALUES (%s, %s, %s, 'dashboard', %s, now(), 'operator', '')
"""


def move(apps, schema_editor):
    """Row-level security holds the owner too, which reads here every organisation; migrate builds the walls again."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orgs_organisation NO FORCE ROW LEVEL SECURITY")
        cursor.execute(FOUND)
        for organisation_id, host in cursor.fetchall():
            cursor.execute(MOVED, [new_id(), organisation_id, host, new_token()])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks to come cannot be altered
        cursor.execute("ALTER TABLE orgs_organisation FORCE ROW LEVEL SECURITY")


class Migration(migrations.Migration):
    dependencies = [("orgs", "0003_domain")]
    operations = [
        migrations.RunPython(move),
        # With the policy that reads it.
        migrations.RemoveField(model_name="organisation", name="domain"),
    ]
