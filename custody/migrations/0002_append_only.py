"""Custody rows can't be changed: the database itself refuses, whoever asks and however.

`ENABLE ALWAYS` keeps the triggers on for replication roles too. Only the owner of a table can switch them off, with
`ALTER TABLE ... DISABLE TRIGGER`, which a log of statements shows.
"""

from django.db import migrations

APPEND_ONLY = ("custody_snapshot", "custody_heldobject")

FUNCTIONS = """
CREATE FUNCTION custody_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'custody rows are append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END;
$$;

CREATE FUNCTION custody_continue_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number = 1 AND NEW.previous_hash = '' THEN
        RETURN NEW;
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM custody_snapshot
        WHERE tenant_id = NEW.tenant_id AND number = NEW.number - 1 AND integrity_hash = NEW.previous_hash
    ) THEN
        RAISE EXCEPTION 'snapshot % does not continue the chain of its tenant', NEW.number
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER custody_continue_chain BEFORE INSERT ON custody_snapshot
    FOR EACH ROW EXECUTE FUNCTION custody_continue_chain();
ALTER TABLE custody_snapshot ENABLE ALWAYS TRIGGER custody_continue_chain;
"""

DROP_FUNCTIONS = """
DROP TRIGGER custody_continue_chain ON custody_snapshot;
DROP FUNCTION custody_continue_chain();
DROP FUNCTION custody_refuse_change();
"""


def refuse_changes(table):
    """A statement-level trigger, so that TRUNCATE and changes that hit no row are refused as well."""
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER custody_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION custody_refuse_change();
        ALTER TABLE {table} ENABLE ALWAYS TRIGGER custody_refuse_change;
        """,
        f"DROP TRIGGER custody_refuse_change ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("custody", "0001_initial")]

    operations = [migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS), *map(refuse_changes, APPEND_ONLY)]
