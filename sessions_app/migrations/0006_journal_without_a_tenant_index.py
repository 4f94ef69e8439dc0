"""The journal loses its index on the tenant alone, without touching the foreign key: that would be checked anew, and locked."""

from django.db import migrations, models
from django.db.models.deletion import PROTECT

_INDEX = "sessions_app_journalrow_tenant_id_fe17327c"


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY: nobody waits

    dependencies = [("sessions_app", "0005_journal_without_a_second_index"), ("tenants", "0003_quota_ledger")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f'DROP INDEX CONCURRENTLY IF EXISTS "{_INDEX}"',
                    f'CREATE INDEX CONCURRENTLY "{_INDEX}" ON "sessions_app_journalrow" ("tenant_id")',
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="journalrow",
                    name="tenant",
                    field=models.ForeignKey(db_index=False, on_delete=PROTECT, related_name="+", to="tenants.tenant"),
                )
            ],
        )
    ]
