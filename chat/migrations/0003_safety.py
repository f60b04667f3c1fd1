from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0002_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='safety',
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
