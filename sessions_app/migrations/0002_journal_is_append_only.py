"""The journal is append-only: the database refuses to change or delete an entry."""

from django.db import migrations

TRIGGER = """
CREATE TRIGGER astra_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sessions_app_journalrow
    FOR EACH STATEMENT EXECUTE FUNCTION astra_refuse_row_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0001_initial"),
        ("tenants", "0002_published_configuration_is_immutable"),
    ]

    operations = [migrations.RunSQL(TRIGGER, "DROP TRIGGER astra_append_only ON sessions_app_journalrow;")]
