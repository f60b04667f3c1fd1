"""The project and the few things that every app shares."""

from core.celery import app as celery_app

__all__ = ["celery_app"]
