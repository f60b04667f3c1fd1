"""Evaluation in the admin: sets, questions with their quotes, runs, results and fits."""

from evaluation.admin.calibrations import CalibrationAdmin
from evaluation.admin.questions import QuestionAdmin
from evaluation.admin.runs import ResultAdmin, RunAdmin
from evaluation.admin.sets import QuestionSetAdmin

__all__ = ["CalibrationAdmin", "QuestionAdmin", "QuestionSetAdmin", "ResultAdmin", "RunAdmin"]
