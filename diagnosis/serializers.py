"""How grading jobs look to programs."""

from rest_framework import serializers

from diagnosis.models import GradingJob


class JobSerializer(serializers.Serializer[GradingJob]):
    """How far a job is; the grade itself lies sealed in its report."""

    id = serializers.UUIDField()
    state = serializers.CharField()
    stage = serializers.CharField()
    place_in_queue = serializers.IntegerField()
    elapsed_seconds = serializers.SerializerMethodField()
    failure = serializers.CharField()
    image = serializers.UUIDField(source="image_id")
    report = serializers.UUIDField(source="report_id", allow_null=True)
    model_version = serializers.CharField()

    def get_elapsed_seconds(self, job: GradingJob) -> float:
        """From the request until the end, or until now."""
        return round(job.elapsed.total_seconds(), 3)
