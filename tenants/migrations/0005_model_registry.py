"""The model registry; an activation is never changed or deleted: the database refuses it."""

import astra_site.lib.ids
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


TRIGGER = (
    "CREATE TRIGGER astra_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tenants_modelactivation "
    "FOR EACH STATEMENT EXECUTE FUNCTION astra_refuse_row_change();"
)


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0004_what_a_skeleton_version_reports'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Adapter',
            fields=[
                ('id', models.UUIDField(default=astra_site.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('code', models.CharField(max_length=64, validators=[django.core.validators.RegexValidator('\\A[A-Za-z0-9][A-Za-z0-9_.-]*\\Z')], verbose_name='code')),
                ('base_model', models.CharField(help_text='The model of CORE that it adapts.', max_length=200, verbose_name='trained on')),
                ('address', models.CharField(max_length=500, verbose_name='address of the weights')),
                ('sha256', models.CharField(max_length=71, validators=[django.core.validators.RegexValidator('\\Asha256:[0-9a-f]{64}\\Z', 'A hash is written as sha256: and 64 lower-case hex digits.')], verbose_name='content hash')),
                ('note', models.CharField(blank=True, default='', max_length=300, verbose_name='note')),
                ('registered_at', models.DateTimeField(auto_now_add=True, verbose_name='registered')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'adapter',
                'verbose_name_plural': 'adapters',
                'ordering': ['-registered_at'],
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='RegisteredModel',
            fields=[
                ('id', models.UUIDField(default=astra_site.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('engine', models.CharField(max_length=64, verbose_name='engine')),
                ('name', models.CharField(help_text='A name that the engine knows, or a folder.', max_length=200, verbose_name='model')),
                ('note', models.CharField(blank=True, default='', max_length=300, verbose_name='note')),
                ('registered_at', models.DateTimeField(auto_now_add=True, verbose_name='registered')),
            ],
            options={
                'verbose_name': 'registered model',
                'verbose_name_plural': 'registered models',
                'ordering': ['engine', 'name'],
                'constraints': [models.UniqueConstraint(fields=('engine', 'name'), name='model_registered_once')],
            },
        ),
        migrations.CreateModel(
            name='ModelActivation',
            fields=[
                ('id', models.UUIDField(default=astra_site.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField(verbose_name='number')),
                ('note', models.CharField(blank=True, default='', max_length=300, verbose_name='note')),
                ('activated_at', models.DateTimeField(auto_now_add=True, verbose_name='activated')),
                ('activated_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='activated by')),
                ('adapter', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.adapter', verbose_name='adapter')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.registeredmodel', verbose_name='model')),
            ],
            options={
                'verbose_name': 'activation of a model',
                'verbose_name_plural': 'activations of models',
                'ordering': ['-number'],
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.AddConstraint(
            model_name='adapter',
            constraint=models.UniqueConstraint(fields=('tenant', 'code'), name='adapter_code_once_per_tenant'),
        ),
        migrations.AddConstraint(
            model_name='modelactivation',
            constraint=models.UniqueConstraint(fields=('tenant', 'number'), name='activation_number_once_per_tenant'),
        ),
        migrations.RunSQL(TRIGGER, "DROP TRIGGER astra_append_only ON tenants_modelactivation;"),
    ]
