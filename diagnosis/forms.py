"""What doctors choose and type in."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.files import File
from django.template.defaultfilters import filesizeformat

from diagnosis.grading.scale import Grade
from diagnosis.imaging.decoding import decode
from diagnosis.imaging.errors import ImageRefused
from diagnosis.imaging.image import FileFormat
from diagnosis.intake.directory import check_directory
from diagnosis.intake.errors import ArchiveRefused
from diagnosis.intake.limits import MAX_ARCHIVE
from diagnosis.models import Purpose

NAME_BYTES = 200
"""A longer file name is cut: names are sealed to one length, which has a limit."""

MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "dicom": "application/dicom"}


class UploadForm(forms.Form):
    file = forms.FileField(
        label="Ultrasound image",
        help_text="PNG, JPEG or DICOM, one file. It is kept exactly as it comes.",
        allow_empty_file=True,
    )
    format: FileFormat

    def clean_file(self) -> "File[bytes]":
        """Decode the file to be sure of it; what cannot be read is not taken."""
        file: File[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > settings.MAX_UPLOAD_BYTES:
            most = filesizeformat(settings.MAX_UPLOAD_BYTES)
            raise forms.ValidationError(
                f"This file is {filesizeformat(file.size or 0)}; at most {most} can be"
                " uploaded. Export the frames you need and upload those."
            )
        data = file.read()
        file.seek(0)
        try:
            self.format = decode(data).format
        except ImageRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return file

    @property
    def media_type(self) -> str:
        """Of the content, whatever the name says."""
        return MEDIA_TYPES[self.format]

    @property
    def name(self) -> str:
        """The file's own name, cut to what can be sealed."""
        name = str(self.cleaned_data["file"].name)
        return name.encode()[:NAME_BYTES].decode(errors="ignore")


class VerdictForm(forms.Form):
    decision = forms.ChoiceField(
        label="Your verdict",
        choices=[
            ("accepted", "I agree with the suggested grade"),
            ("overruled", "I set another grade"),
            ("undecided", "I cannot tell"),
        ],
        widget=forms.RadioSelect,
    )
    grade = forms.ChoiceField(
        label="Your grade, if it differs",
        choices=[("", "Choose a grade"), *((g.value, g.value) for g in Grade)],
        required=False,
    )
    reason = forms.CharField(
        label="Reason",
        help_text="Needed where your grade differs, or you cannot tell. Both are kept.",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        required=False,
    )

    def __init__(self, *args: Any, graded: bool = True, **options: Any) -> None:
        super().__init__(*args, **options)
        if not graded:
            self.fields["decision"].choices = [  # type: ignore[attr-defined]
                ("accepted", "I agree that there is no grade"),
                ("overruled", "I set a grade"),
                ("undecided", "I cannot tell"),
            ]

    def clean(self) -> dict[str, str]:
        """Another grade needs that grade and a reason, not to know a reason."""
        data = super().clean() or {}
        if data.get("decision") == "overruled":
            if not data.get("grade"):
                self.add_error("grade", "Choose the grade you set instead.")
            if not (data.get("reason") or "").strip():
                self.add_error("reason", "Say why; both grades are kept.")
        undecided = data.get("decision") == "undecided"
        if undecided and not (data.get("reason") or "").strip():
            self.add_error("reason", "Say what keeps you from telling.")
        return data


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        help_text="It is kept with the version.",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=500,
    )


class DataSetForm(forms.Form):
    title = forms.CharField(
        label="Name of the set",
        help_text="For your colleagues; nobody else sees it.",
        max_length=80,
    )
    purpose = forms.ChoiceField(
        label="What it is for",
        choices=Purpose.choices,
        initial=Purpose.GRADING,
        widget=forms.RadioSelect,
        help_text="A validation needs a label for each image: folders named SFU 0-2, SFU 3 and"
        " SFU 4, or a CSV list with the columns file, label and, if known, patient.",
    )
    file = forms.FileField(
        label="Archive",
        help_text="One zip file with DICOM, PNG or JPEG images, in folders or not.",
        allow_empty_file=True,
    )

    def clean_file(self) -> "File[bytes]":
        """Refuse at once what is no archive, or too large a one."""
        file: File[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_ARCHIVE:
            raise forms.ValidationError(
                f"This archive is larger than {MAX_ARCHIVE >> 30} GiB. Split it, and send"
                " one part after the other."
            )
        if file.file is None:
            raise forms.ValidationError("The file did not arrive. Choose it again.")
        try:
            check_directory(file.file)  # type: ignore[arg-type]
        except ArchiveRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        file.seek(0)
        return file
