"""What the parser found beside the placeholders: headings, and what the author should look at. Old versions have none."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0003_quota_ledger'),
    ]

    operations = [
        migrations.AddField(
            model_name='skeletonversion',
            name='outline',
            field=models.JSONField(blank=True, default=list, verbose_name='outline'),
        ),
        migrations.AddField(
            model_name='skeletonversion',
            name='warnings',
            field=models.JSONField(blank=True, default=list, verbose_name='warnings'),
        ),
    ]
