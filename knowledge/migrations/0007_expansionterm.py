import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('knowledge', '0006_releases'),
    ]

    operations = [
        migrations.CreateModel(
            name='ExpansionTerm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('synonym', 'Also called'), ('domain', 'Belongs to the field of'), ('action', 'Form of a request')], default='synonym', max_length=10)),
                ('term', models.CharField(max_length=100)),
                ('alternatives', models.TextField(blank=True, max_length=2000)),
            ],
            options={
                'ordering': ['kind', 'term'],
                'constraints': [models.UniqueConstraint(fields=('kind', 'term'), name='a_term_is_listed_once_a_kind')],
            },
        ),
    ]
