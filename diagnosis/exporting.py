"""Makes of one grade what an image archive can keep."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from django.utils.timezone import localtime

from diagnosis.dicom_results.segmentation import segmentation
from diagnosis.dicom_results.source import Origin, read_source, wrapped_image
from diagnosis.dicom_results.structured_report import structured_report
from diagnosis.grading.report import GradeReport
from diagnosis.imaging.decoding import decode
from diagnosis.imaging.image import DecodedImage
from diagnosis.models import GradingJob
from diagnosis.permissions import check_may_export
from portal.acting import Acting
from portal.errors import Refused
from records.actions.documents import open_document


def export_dicom(*, job: GradingJob, by: Acting) -> bytes:
    """Pack image, segmentation and structured report of one grade into a zip file.

    Whoever may open the report and its image, which both files name, may have it.
    Both are opened in their name, which is recorded as any reading.

    Raises:
        Refused: not allowed, or nothing was marked in the image.
        RecordDamaged, StorageError: as for ``open_document``.
    """
    report_document = check_may_export(by, job)
    report = GradeReport.from_json(open_document(document=report_document, acting=by))
    if not report.mask.any():
        raise Refused(
            "Nothing was marked in this image, so there is nothing to export."
        )
    content = open_document(document=job.image, acting=by)
    return _packed(content, decode(content, frame=job.frame), report, _origin(job))


def _origin(job: GradingJob) -> Origin:
    patient = job.image.patient
    return Origin(
        document=job.image_id,
        frame=job.frame,
        patient_name=patient.full_name,
        patient_id=str(patient.pk),
        birth_date=patient.birth_date,
        added=localtime(job.image.created_at),
    )


def _packed(
    content: bytes, image: DecodedImage, report: GradeReport, origin: Origin
) -> bytes:
    source = read_source(content, image, origin)
    segments = segmentation(report, source=source, origin=origin)
    told = structured_report(report, source=source, segments=segments, origin=origin)
    stream = BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        as_dicom = image.format == "dicom"
        archive.writestr(
            "image.dcm", content if as_dicom else wrapped_image(image, origin)
        )
        for name, made in (("segmentation.dcm", segments), ("report.dcm", told)):
            file = BytesIO()
            made.save_as(file, enforce_file_format=True)
            archive.writestr(name, file.getvalue())
    return stream.getvalue()
