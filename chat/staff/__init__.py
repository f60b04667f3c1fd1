"""The admin's pages on models: what they cost, how the assistant speaks, how answers came to be."""

from chat.staff import traces
from chat.staff.budgets import BudgetAdmin
from chat.staff.spending import ModelCallAdmin, SpendingAdmin
from chat.staff.voices import VoiceAdmin

__all__ = ["BudgetAdmin", "ModelCallAdmin", "SpendingAdmin", "VoiceAdmin", "traces"]
