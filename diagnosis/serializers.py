"""How grading jobs look to programs."""

from rest_framework import serializers

from diagnosis.models import GradingJob
from diagnosis.pace import seconds_left


class JobSerializer(serializers.Serializer[GradingJob]):
    """How far a job is; the grade itself lies sealed in its report."""

    id = serializers.UUIDField()
    state = serializers.CharField()
    stage = serializers.CharField()
    place_in_queue = serializers.IntegerField()
    elapsed_seconds = serializers.SerializerMethodField()
    seconds_left = serializers.SerializerMethodField()
    failure = serializers.CharField()
    image = serializers.UUIDField(source="image_id")
    report = serializers.UUIDField(source="report_id", allow_null=True)
    model_version = serializers.CharField()

    def get_elapsed_seconds(self, job: GradingJob) -> float:
        """From the request until the end, or until now."""
        return round(job.elapsed.total_seconds(), 3)

    def get_seconds_left(self, job: GradingJob) -> float | None:
        """Until it is likely to end, by recent grades; 0 at the end, null if unknown."""
        left = seconds_left(job)
        return None if left is None else round(left, 1)
