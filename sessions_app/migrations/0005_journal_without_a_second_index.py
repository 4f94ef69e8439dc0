"""The journal loses its index on the session alone, without touching the foreign key: that would be checked anew, and locked."""

from django.db import migrations, models
from django.db.models.deletion import PROTECT

_INDEX = "sessions_app_journalrow_session_id_b751e3bf"


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY: nobody waits

    dependencies = [("sessions_app", "0004_journal_few_of_a_kind")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f'DROP INDEX CONCURRENTLY IF EXISTS "{_INDEX}"',
                    f'CREATE INDEX CONCURRENTLY "{_INDEX}" ON "sessions_app_journalrow" ("session_id")',
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="journalrow",
                    name="session",
                    field=models.ForeignKey(
                        db_index=False, on_delete=PROTECT, related_name="journal", to="sessions_app.session"
                    ),
                )
            ],
        )
    ]
