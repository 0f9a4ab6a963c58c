"""Addresses of images and grades."""

from django.urls import path

from diagnosis.views import api, devices, grading, images, versions

urlpatterns = [
    path("patients/<uuid:patient_id>/upload/", images.upload, name="upload"),
    path("documents/<uuid:document_id>/", images.document, name="document"),
    path("documents/<uuid:document_id>/preview/", grading.preview, name="preview"),
    path("documents/<uuid:document_id>/ask/", grading.ask, name="ask"),
    path("api/grades/<uuid:job_id>/", api.job_detail, name="api_job"),
    path("api/images/", devices.image, name="api_image"),
    path("dicom-web/studies", devices.store, name="stow"),
    path("dicom-web/studies/<str:study>", devices.store, name="stow_study"),
    path("grades/", grading.jobs, name="jobs"),
    path("grades/<uuid:job_id>/", grading.job, name="job"),
    path("grades/<uuid:job_id>/progress/", grading.progress, name="progress"),
    path("grades/<uuid:job_id>/cancel/", grading.cancel_job, name="cancel"),
    path("grades/<uuid:job_id>/retry/", grading.retry_job, name="retry"),
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
]
