"""The rows around a grade; the grade itself lies sealed."""

from diagnosis.models.grading_job import TRANSITIONS, GradingJob, State
from diagnosis.models.model_version import STEPS, ModelStep, ModelVersion, Standing
from diagnosis.models.shadow_result import ShadowResult
from diagnosis.models.verdict import Verdict

__all__ = [
    "STEPS",
    "TRANSITIONS",
    "GradingJob",
    "ModelStep",
    "ModelVersion",
    "ShadowResult",
    "Standing",
    "State",
    "Verdict",
]
