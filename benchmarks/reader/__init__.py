"""How the small reader is trained, exported and measured."""
