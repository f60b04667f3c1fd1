"""Figures as people read them."""

from django import template

register = template.Library()


@register.filter
def percent(share: float) -> str:
    """A share of 1, such as "97.5 %", on one line."""
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%"
