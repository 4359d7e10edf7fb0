"""Batches that come in need no number: each transaction sees its own rows alone, since all go before it ends."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("analytics", "0004_alerts")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE analytics_intake DROP COLUMN batch",
            "ALTER TABLE analytics_intake ADD COLUMN batch bigint NOT NULL DEFAULT 0",
        ),
    ]
