"""The chat's calls."""
