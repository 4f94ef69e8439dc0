"""Drafts of the configuration, who changed what in them, and which templates occurred; the audit is append-only."""

import astra_site.lib.ids
import django.db.models.deletion
from django.db import migrations, models


TRIGGER = (
    "CREATE TRIGGER astra_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tenants_configedit "
    "FOR EACH STATEMENT EXECUTE FUNCTION astra_refuse_row_change();"
)


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0006_identities_and_api_clients'),
    ]

    operations = [
        migrations.CreateModel(
            name='MappedCouncil',
            fields=[
            ],
            options={
                'verbose_name': 'mapping',
                'verbose_name_plural': 'mappings',
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('tenants.tenant',),
        ),
        migrations.CreateModel(
            name='ConfigDraft',
            fields=[
                ('id', models.UUIDField(default=astra_site.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('content', models.JSONField(verbose_name='content')),
                ('revision', models.PositiveIntegerField(default=0, verbose_name='revision')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='changed')),
                ('base', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.configversion')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'draft of the configuration',
                'verbose_name_plural': 'drafts of the configuration',
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('tenant',), name='one_config_draft_per_tenant')],
            },
        ),
        migrations.CreateModel(
            name='ConfigEdit',
            fields=[
                ('id', models.UUIDField(default=astra_site.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('revision', models.PositiveIntegerField(verbose_name='revision')),
                ('operation', models.CharField(max_length=32, verbose_name='what')),
                ('differences', models.JSONField(default=list, verbose_name='differences')),
                ('version', models.PositiveIntegerField(blank=True, null=True, verbose_name='version')),
                ('actor', models.CharField(max_length=200, verbose_name='who')),
                ('recorded_at', models.DateTimeField(auto_now_add=True, verbose_name='when')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'change of the configuration',
                'verbose_name_plural': 'changes of the configuration',
                'ordering': ['-recorded_at', '-id'],
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('tenant', 'revision'), name='config_edit_revision_once')],
            },
        ),
        migrations.CreateModel(
            name='TemplateSighting',
            fields=[
                ('id', models.UUIDField(default=astra_site.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('template_id', models.CharField(max_length=120, verbose_name='template')),
                ('intent', models.CharField(max_length=64, verbose_name='intent')),
                ('label', models.CharField(max_length=300, verbose_name='what it is')),
                ('count', models.PositiveBigIntegerField(default=0, verbose_name='times')),
                ('samples', models.JSONField(default=list, verbose_name='samples')),
                ('last_seen_at', models.DateTimeField(verbose_name='last time')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'template that occurred',
                'verbose_name_plural': 'templates that occurred',
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('tenant', 'template_id'), name='template_sighting_once')],
            },
        ),
        migrations.RunSQL(TRIGGER, "DROP TRIGGER astra_append_only ON tenants_configedit;"),
    ]
