"""The rows around a grade; the grade itself lies sealed."""

from diagnosis.models.data_set import SET_TRANSITIONS, DataSet, Purpose, SetState
from diagnosis.models.grading_job import TRANSITIONS, GradingJob, State
from diagnosis.models.model_version import STEPS, ModelStep, ModelVersion, Standing
from diagnosis.models.published_report import PublishedReport
from diagnosis.models.set_act import SetAct
from diagnosis.models.set_content import SetContent, SetWrap
from diagnosis.models.set_run import SetResult, SetRun
from diagnosis.models.shadow_result import ShadowResult
from diagnosis.models.verdict import Verdict

__all__ = [
    "SET_TRANSITIONS",
    "STEPS",
    "TRANSITIONS",
    "DataSet",
    "GradingJob",
    "ModelStep",
    "ModelVersion",
    "PublishedReport",
    "Purpose",
    "SetAct",
    "SetContent",
    "SetResult",
    "SetRun",
    "SetState",
    "SetWrap",
    "ShadowResult",
    "Standing",
    "State",
    "Verdict",
]
