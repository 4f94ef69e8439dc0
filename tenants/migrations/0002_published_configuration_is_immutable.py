"""A published configuration and a skeleton version are never changed or deleted: the database refuses it."""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION astra_refuse_row_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END;
$$;
"""


def append_only(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER astra_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION astra_refuse_row_change();",
        f"DROP TRIGGER astra_append_only ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION astra_refuse_row_change();"),
        append_only("tenants_configversion"),
        append_only("tenants_skeletonversion"),
    ]
