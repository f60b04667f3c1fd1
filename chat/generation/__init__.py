"""Passages and history in, an answer with footnotes out. Plain Python: no Django, no rows."""
