"""Persons of an identity provider, and API clients; the clients' history is never changed: the database refuses it."""

import astra_site.lib.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


TRIGGER = (
    "CREATE TRIGGER astra_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tenants_apiclientevent "
    "FOR EACH STATEMENT EXECUTE FUNCTION astra_refuse_row_change();"
)


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0005_model_registry'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ApiClient',
            fields=[
                ('id', models.UUIDField(default=astra_site.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('scopes', models.JSONField(default=list, verbose_name='scopes')),
                ('secret_hash', models.CharField(editable=False, max_length=71)),
                ('generation', models.PositiveIntegerField(default=1, editable=False)),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('expires_at', models.DateTimeField(blank=True, help_text='From then on it gets no tokens. Empty: it does not expire.', null=True, verbose_name='expires')),
                ('last_used_at', models.DateTimeField(editable=False, null=True, verbose_name='last used')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'API client',
                'verbose_name_plural': 'API clients',
                'ordering': ['name'],
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='ApiClientEvent',
            fields=[
                ('id', models.UUIDField(default=astra_site.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('created', 'Created'), ('changed', 'Changed'), ('secret', 'New secret'), ('token', 'Token issued'), ('revoked', 'Revoked'), ('restored', 'Put back')], max_length=8, verbose_name='what')),
                ('actor', models.CharField(max_length=200, verbose_name='who')),
                ('details', models.JSONField(default=dict, verbose_name='details')),
                ('recorded_at', models.DateTimeField(auto_now_add=True, verbose_name='when')),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='tenants.apiclient', verbose_name='API client')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'event of an API client',
                'verbose_name_plural': 'events of API clients',
                'ordering': ['-recorded_at', '-id'],
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='PersonIdentity',
            fields=[
                ('id', models.UUIDField(default=astra_site.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('issuer', models.CharField(max_length=300, verbose_name='identity provider')),
                ('subject', models.CharField(max_length=255, verbose_name='subject')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='since')),
                ('last_login_at', models.DateTimeField(null=True, verbose_name='last sign-in')),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='identity', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'identity',
                'verbose_name_plural': 'identities',
            },
        ),
        migrations.AddConstraint(
            model_name='apiclient',
            constraint=models.UniqueConstraint(fields=('tenant', 'name'), name='client_name_once_per_tenant'),
        ),
        migrations.AddIndex(
            model_name='apiclientevent',
            index=models.Index(fields=['client', '-recorded_at'], name='events_of_client'),
        ),
        migrations.AddConstraint(
            model_name='personidentity',
            constraint=models.UniqueConstraint(fields=('issuer', 'subject'), name='identity_once'),
        ),
        migrations.RunSQL(TRIGGER, "DROP TRIGGER astra_append_only ON tenants_apiclientevent;"),
    ]
