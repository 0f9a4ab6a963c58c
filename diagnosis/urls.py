"""Addresses of images and grades."""

from django.urls import path

from diagnosis.views import (
    agreement,
    api,
    data_sets,
    devices,
    export,
    follow_up,
    grading,
    images,
    runs,
    staff,
    versions,
)

urlpatterns = [
    path("patients/<uuid:patient_id>/upload/", images.upload, name="upload"),
    path("documents/<uuid:document_id>/", images.document, name="document"),
    path("documents/<uuid:document_id>/preview/", grading.preview, name="preview"),
    path("documents/<uuid:document_id>/ask/", grading.ask, name="ask"),
    path("api/grades/<uuid:job_id>/", api.job_detail, name="api_job"),
    path("api/images/", devices.image, name="api_image"),
    path("dicom-web/studies", devices.store, name="stow"),
    path("dicom-web/studies/<str:study>", devices.store, name="stow_study"),
    path("patients/<uuid:patient_id>/course/", follow_up.follow_up, name="follow_up"),
    path("agreement/", agreement.agreement, name="agreement"),
    path("jobs/", staff.staff_jobs, name="staff_jobs"),
    path("jobs/<uuid:job_id>/retry/", staff.staff_retry, name="staff_retry"),
    path("grades/", grading.jobs, name="jobs"),
    path("grades/<uuid:job_id>/", grading.job, name="job"),
    path("grades/<uuid:job_id>/progress/", grading.progress, name="progress"),
    path("grades/<uuid:job_id>/cancel/", grading.cancel_job, name="cancel"),
    path("grades/<uuid:job_id>/retry/", grading.retry_job, name="retry"),
    path("grades/<uuid:job_id>/dicom/", export.dicom, name="grade_dicom"),
    path("grades/<uuid:job_id>/judge/", grading.judge, name="judge"),
    path("models/", versions.versions, name="versions"),
    path("models/<uuid:version_id>/", versions.version, name="version"),
    path(
        "models/<uuid:version_id>/comparison/", versions.comparison, name="comparison"
    ),
    path(
        "models/<uuid:version_id>/<slug:decision>/",
        versions.decide,
        name="decide_version",
    ),
    path("data-sets/", data_sets.data_sets, name="data_sets"),
    path("data-sets/new/", data_sets.add_set, name="add_set"),
    path("data-sets/<uuid:set_id>/", data_sets.data_set, name="data_set"),
    path(
        "data-sets/<uuid:set_id>/progress/", data_sets.set_progress, name="set_progress"
    ),
    path("data-sets/<uuid:set_id>/give/", data_sets.give_set, name="give_set"),
    path("runs/<uuid:run_id>/", runs.run, name="run"),
    path("runs/<uuid:run_id>/progress/", runs.run_progress, name="run_progress"),
    path("runs/<uuid:run_id>/results.csv", runs.run_csv, name="run_csv"),
    path("runs/<uuid:run_id>/cancel/", runs.cancel_set, name="cancel_set"),
    path("runs/<uuid:run_id>/retry/", runs.retry_set, name="retry_set"),
    path("runs/<uuid:run_id>/compare/", runs.compare_set, name="compare_set"),
    path("runs/<uuid:run_id>/publish/", runs.publish, name="publish"),
    path("validations/", runs.published, name="published"),
]
