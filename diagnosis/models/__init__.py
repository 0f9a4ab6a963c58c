"""The rows around a grade; the grade itself lies sealed."""

from diagnosis.models.grading_job import TRANSITIONS, GradingJob, State
from diagnosis.models.verdict import Verdict

__all__ = ["TRANSITIONS", "GradingJob", "State", "Verdict"]
