"""Addresses of patients and histories."""

from django.urls import path

from records.views import (
    api,
    audit,
    consents,
    devices,
    emergencies,
    enrolments,
    erasures,
    guardians,
    ledger,
    patients,
    proofs,
)

urlpatterns = [
    path("patients/", patients.patients, name="patients"),
    path("family/", patients.family, name="family"),
    path("patients/<uuid:patient_id>/", patients.patient, name="patient"),
    path("patients/<uuid:patient_id>/proofs/", proofs.take_along, name="take_along"),
    path("patients/<uuid:patient_id>/consents/", consents.consents, name="consents"),
    path(
        "patients/<uuid:patient_id>/consents/<int:consent_id>/withdraw/",
        consents.withdraw,
        name="withdraw",
    ),
    path(
        "patients/<uuid:patient_id>/guardians/", guardians.guardians, name="guardians"
    ),
    path(
        "patients/<uuid:patient_id>/guardians/<int:guardian_id>/freeze/",
        guardians.freeze,
        name="freeze",
    ),
    path(
        "patients/<uuid:patient_id>/hand-over/", guardians.take_over, name="hand_over"
    ),
    path(
        "patients/<uuid:patient_id>/emergency/",
        emergencies.emergency,
        name="emergency_for",
    ),
    path("patients/<uuid:patient_id>/erasure/", erasures.erasure, name="erasure"),
    path(
        "patients/<uuid:patient_id>/erasure/<int:erasure_id>/",
        erasures.receipt,
        name="receipt",
    ),
    path("emergency/", emergencies.emergency, name="emergency"),
    path("emergencies/", emergencies.emergencies, name="emergencies"),
    path("emergencies/<int:access_id>/", emergencies.review, name="review"),
    path("erasures/", erasures.erasures, name="erasures"),
    path("erasures/<int:erasure_id>/", erasures.decide, name="decide"),
    path("devices/", devices.devices, name="devices"),
    path("family/devices/", devices.family_devices, name="family_devices"),
    path("devices/<uuid:device_id>/revoke/", devices.revoke, name="revoke_device"),
    path("enrol/", enrolments.enrol, name="enrol"),
    path("enrolments/<int:enrolment_id>/end/", enrolments.let_go, name="let_go"),
    path("ledger/", ledger.ledger, name="ledger"),
    path("who-looked/", audit.audit, name="audit"),
    path("api/patients/", api.patient_list, name="api_patients"),
    path(
        "api/patients/<uuid:patient_id>/documents/",
        api.document_list,
        name="api_documents",
    ),
    path("proofs/<str:statement_id>/", proofs.proof, name="proof"),
    path("proofs/<str:statement_id>/tlog-proof", proofs.proof_file, name="proof_file"),
]
