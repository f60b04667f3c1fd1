"""Django's own SQLite backend with open files that are used again; see ``base``."""
