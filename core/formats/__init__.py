"""How dates are written, the same on every page."""
