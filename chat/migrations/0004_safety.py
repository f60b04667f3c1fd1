from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0003_models'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='safety',
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
