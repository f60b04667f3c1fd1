"""Parts of ``benchmarks.answers``."""
