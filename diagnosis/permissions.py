"""Who may ask for grades and judge them."""

from django.db.models import Q, QuerySet

from diagnosis.models import DataSet, GradingJob, ModelVersion, State, Verdict
from portal.acting import Acting
from portal.errors import Refused
from portal.models import Institution
from portal.roles import (
    COMPARE_MODELS,
    HANDLE_DATA_SETS,
    LOOK_AFTER_JOBS,
    MANAGE_MEMBERS,
    MANAGE_MODELS,
    REQUEST_GRADE,
)
from records.models import Document
from records.permissions import (
    may_add_document,
    may_read_document,
    ordinarily_readable,
    readable_documents,
    reads_elsewhere,
)


def may_request_grade(acting: Acting, image: Document) -> bool:
    """Whether the person may have the image graded: they read it and add to the history."""
    return (
        image.kind == Document.Kind.IMAGE
        and acting.may(REQUEST_GRADE)
        and may_add_document(acting, image.patient)
        and ordinarily_readable(acting, image.patient).filter(pk=image.pk).exists()
    )


def check_may_request_grade(acting: Acting, image: Document) -> None:
    """Refuse whoever may not have the image graded.

    Raises:
        Refused: no doctor of a hospital that has the patient in care.
    """
    if not may_request_grade(acting, image):
        raise Refused(
            "Only a doctor of a hospital that has this patient in its care"
            " can ask for a grade."
        )


def visible_jobs(acting: Acting) -> QuerySet[GradingJob]:
    """The jobs a doctor's hospital asked for."""
    if acting.institution is None or not acting.may(REQUEST_GRADE):
        return GradingJob.objects.none()
    return GradingJob.objects.filter(
        institution=acting.institution, image__erasure=None
    )


def readable_jobs(acting: Acting, image: Document) -> QuerySet[GradingJob]:
    """The jobs of an image of which the person may know.

    Those of the hospital acted for; of other hospitals too for whoever reads the
    whole history; with a report, only if it may be opened.
    """
    reports = readable_documents(acting, image.patient).values("pk")
    jobs = image.grading_jobs.filter(Q(report=None) | Q(report__in=reports))
    if reads_elsewhere(acting, image.patient):
        return jobs
    return jobs.filter(institution=acting.institution)


def may_see_job(acting: Acting, job: GradingJob) -> bool:
    """Whether the person may know of the job: they may open its image or its report."""
    return (
        may_read_document(acting, job.report or job.image)
        and readable_jobs(acting, job.image).filter(pk=job.pk).exists()
    )


def may_steer(acting: Acting, job: GradingJob) -> bool:
    """Whether the person may cancel the job or have it tried again."""
    return (
        may_request_grade(acting, job.image) and acting.institution == job.institution
    )


def check_may_steer(acting: Acting, job: GradingJob) -> None:
    """Refuse whoever may not cancel the job or have it tried again.

    Raises:
        Refused: no doctor of the hospital that asked for it.
    """
    if not may_steer(acting, job):
        raise Refused("Only a doctor of the hospital that asked for it can do this.")


def may_judge(acting: Acting, job: GradingJob) -> bool:
    """Whether the person may accept or overrule the job's grade."""
    return (
        job.report is not None
        and may_request_grade(acting, job.image)
        and may_read_document(acting, job.report)
    )


def check_may_judge(acting: Acting, job: GradingJob) -> None:
    """Refuse whoever may not judge the job's grade.

    Raises:
        Refused: no grade yet, or no doctor who has the patient in care.
    """
    if not may_judge(acting, job):
        raise Refused(
            "Only a doctor of a hospital that has this patient in its care"
            " can accept or overrule a grade."
        )


def may_manage_models(acting: Acting) -> bool:
    """Whether the person decides which version of the networks grades."""
    return acting.may(MANAGE_MODELS)


def check_may_manage_models(acting: Acting | None) -> None:
    """Refuse whoever may not decide it; nobody is whoever holds the machine.

    Raises:
        Refused: neither the service's staff nor the platform's admin.
    """
    if acting is not None and not may_manage_models(acting):
        raise Refused(
            "Only the diagnosis service's staff and the platform's admin decide which"
            " version of the networks grades."
        )


def may_compare_models(acting: Acting) -> bool:
    """Whether the person may open what a version in shadow mode says."""
    return acting.may(COMPARE_MODELS)


def check_may_compare_models(acting: Acting) -> None:
    """Refuse whoever may not open it.

    Raises:
        Refused: not of the diagnosis service's staff.
    """
    if not may_compare_models(acting):
        raise Refused("Only the diagnosis service's staff holds the key to this.")


def visible_versions(acting: Acting) -> QuerySet[ModelVersion]:
    """The versions of which the person may know.

    Everybody knows those that have graded, for grades name them.
    """
    if may_manage_models(acting):
        return ModelVersion.objects.all()
    return ModelVersion.objects.exclude(activated_at=None)


def may_handle_sets(acting: Acting) -> bool:
    """Whether the person may have data sets graded: they work at a hospital."""
    return (
        acting.institution is not None
        and acting.institution.kind == Institution.Kind.HOSPITAL
        and acting.may(HANDLE_DATA_SETS)
    )


def visible_sets(acting: Acting) -> QuerySet[DataSet]:
    """The data sets of the hospital acted for, which nobody else sees."""
    if not may_handle_sets(acting):
        return DataSet.objects.none()
    return DataSet.objects.filter(institution=acting.institution)


def check_may_handle_set(acting: Acting, data_set: DataSet) -> None:
    """Refuse whoever is not at home in a data set.

    Raises:
        Refused: no doctor or admin of the hospital whose it is.
    """
    if not visible_sets(acting).filter(pk=data_set.pk).exists():
        raise Refused(
            "Only doctors and admins of the hospital whose set it is can do this."
        )


def check_may_send_sets(acting: Acting) -> Institution:
    """The hospital for which the person may send data sets.

    Raises:
        Refused: no doctor or admin of a hospital.
    """
    if acting.institution is None or not may_handle_sets(acting):
        raise Refused("Only doctors and admins of a hospital can send data sets.")
    return acting.institution


def countable_verdicts(acting: Acting) -> QuerySet[Verdict]:
    """The verdicts by which the person may count agreement, of what is not erased.

    Doctors count their own here, an admin those of the hospital's doctors. Whoever runs
    the platform or the diagnosis service counts all, by model version alone: see
    ``counts_every_hospital``.
    """
    verdicts = Verdict.objects.filter(document__erasure=None)
    if counts_every_hospital(acting):
        return verdicts
    if acting.institution is None:
        return verdicts.none()
    here = verdicts.filter(document__institution=acting.institution)
    if acting.may(MANAGE_MEMBERS):
        return here
    return here.filter(by=acting.user)


def counts_every_hospital(acting: Acting) -> bool:
    """Whether the person runs the site or its networks: totals, nobody's name."""
    return acting.institution is not None and acting.institution.kind in {
        Institution.Kind.PLATFORM,
        Institution.Kind.DIAGNOSIS_SERVICE,
    }


def may_count_agreement(acting: Acting) -> bool:
    """Whether the person is staff who judges, leads those who do, or runs the networks."""
    return (
        acting.may(REQUEST_GRADE)
        or acting.may(MANAGE_MEMBERS)
        or counts_every_hospital(acting)
    )


def may_export(acting: Acting, job: GradingJob) -> bool:
    """Whether the person may take the grade along as DICOM: report and image are open."""
    return (
        job.report is not None
        and may_read_document(acting, job.report)
        and may_read_document(acting, job.image)
    )


def check_may_export(acting: Acting, job: GradingJob) -> Document:
    """The report, for whoever may take the grade along as DICOM.

    Raises:
        Refused: no grade yet, or the report or its image is closed to the person.
    """
    if job.report is None or not may_export(acting, job):
        raise Refused("The DICOM files name the image: both must be open to you.")
    return job.report


def may_look_after_jobs(acting: Acting) -> bool:
    """Whether the person sees why jobs failed and may have them tried again."""
    return acting.may(LOOK_AFTER_JOBS)


def check_may_look_after_jobs(acting: Acting) -> None:
    """Refuse whoever does not look after the jobs.

    Raises:
        Refused: neither the service's staff nor the platform's admin.
    """
    if not may_look_after_jobs(acting):
        raise Refused(
            "Only the diagnosis service's staff and the platform's admin can do this."
        )


def jobs_to_look_after(acting: Acting) -> QuerySet[GradingJob]:
    """The jobs of every hospital that wait, run or failed; nobody else's concern."""
    if not may_look_after_jobs(acting):
        return GradingJob.objects.none()
    return GradingJob.objects.exclude(state__in=(State.DONE, State.CANCELLED))
