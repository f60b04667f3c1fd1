"""Bytes to chunks, in plain Python: recognise, extract in a sandbox, clean, split."""
