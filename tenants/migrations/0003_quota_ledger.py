"""The quota ledger; its entries are never changed or deleted: the database refuses it."""

import astra_site.lib.ids
import django.db.models.deletion
from django.db import migrations, models


TRIGGER = (
    "CREATE TRIGGER astra_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tenants_quotaentry "
    "FOR EACH STATEMENT EXECUTE FUNCTION astra_refuse_row_change();"
)


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0002_published_configuration_is_immutable'),
    ]

    operations = [
        migrations.CreateModel(
            name='CouncilQuota',
            fields=[
            ],
            options={
                'verbose_name': 'quota',
                'verbose_name_plural': 'quotas',
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('tenants.tenant',),
        ),
        migrations.CreateModel(
            name='QuotaAccount',
            fields=[
                ('id', models.UUIDField(default=astra_site.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('resource', models.CharField(choices=[('ai_ms', 'AI time'), ('storage_bytes', 'storage')], max_length=16, verbose_name='resource')),
                ('period', models.CharField(blank=True, default='', max_length=7, verbose_name='month')),
                ('limit', models.BigIntegerField(blank=True, null=True, verbose_name='limit')),
                ('extra', models.BigIntegerField(default=0, verbose_name='topped up')),
                ('used', models.BigIntegerField(default=0, verbose_name='used')),
                ('number', models.PositiveBigIntegerField(default=0, verbose_name='entries')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'quota account',
                'verbose_name_plural': 'quota accounts',
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('tenant', 'resource'), name='quota_account_once')],
            },
        ),
        migrations.CreateModel(
            name='QuotaEntry',
            fields=[
                ('id', models.UUIDField(default=astra_site.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('resource', models.CharField(choices=[('ai_ms', 'AI time'), ('storage_bytes', 'storage')], max_length=16, verbose_name='resource')),
                ('number', models.PositiveBigIntegerField(verbose_name='number')),
                ('kind', models.CharField(choices=[('limit', 'Limit set'), ('top_up', 'Top-up'), ('settle', 'Used'), ('adjust', 'Adjustment'), ('reserve', 'Reserved'), ('release', 'Given back')], max_length=8, verbose_name='entry')),
                ('amount', models.BigIntegerField(null=True, verbose_name='amount')),
                ('period', models.CharField(blank=True, default='', max_length=7, verbose_name='month')),
                ('reference', models.CharField(blank=True, default='', max_length=200, verbose_name='for')),
                ('session_id', models.UUIDField(blank=True, null=True, verbose_name='session')),
                ('actor', models.CharField(blank=True, default='', max_length=200, verbose_name='who')),
                ('note', models.CharField(blank=True, default='', max_length=300, verbose_name='note')),
                ('expires_at', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                ('recorded_at', models.DateTimeField(verbose_name='recorded')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'quota entry',
                'verbose_name_plural': 'quota ledger',
                'ordering': ['-recorded_at', '-id'],
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(condition=models.Q(('kind', 'reserve')), fields=['tenant', 'resource', 'expires_at'], name='quota_reserved_in_ledger'), models.Index(fields=['session_id', 'resource', 'number'], name='quota_of_session')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'resource', 'number'), name='quota_number_once'), models.UniqueConstraint(condition=models.Q(('kind__in', ['settle', 'top_up', 'adjust']), models.Q(('reference', ''), _negated=True)), fields=('tenant', 'resource', 'kind', 'reference'), name='quota_reference_once')],
            },
        ),
        migrations.RunSQL(TRIGGER, "DROP TRIGGER astra_append_only ON tenants_quotaentry;"),
    ]
