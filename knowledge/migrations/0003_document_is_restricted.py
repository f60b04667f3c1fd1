"""Whether a document is restricted is stored, so that it outlives its groups."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def note_restricted(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    document = apps.get_model("knowledge", "Document")
    links = document.groups.through.objects.using(schema_editor.connection.alias)
    document.objects.using(schema_editor.connection.alias).filter(
        pk__in=links.values("document_id")
    ).update(is_restricted=True)


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0002_initial")]

    operations = [
        migrations.AddField(
            model_name="document",
            name="is_restricted",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.RunPython(note_restricted, migrations.RunPython.noop),
    ]
