"""Evaluation in the admin: question sets, questions with their quotes, runs and results."""

from evaluation.admin.questions import QuestionAdmin
from evaluation.admin.runs import ResultAdmin, RunAdmin
from evaluation.admin.sets import QuestionSetAdmin

__all__ = ["QuestionAdmin", "QuestionSetAdmin", "ResultAdmin", "RunAdmin"]
