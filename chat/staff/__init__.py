"""The admin's pages on models: what they cost, what they may cost, and how the assistant speaks."""

from chat.staff.budgets import BudgetAdmin
from chat.staff.spending import ModelCallAdmin, SpendingAdmin
from chat.staff.voices import VoiceAdmin

__all__ = ["BudgetAdmin", "ModelCallAdmin", "SpendingAdmin", "VoiceAdmin"]
