"""What is said of a device that is to send images."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from portal.models import Institution
from portal.sealed_fields import blind_indexes
from records.forms import DateInput
from records.models import Enrolment, Patient

LONGEST = timedelta(days=2 * 366)
"""Of a token: a scanner that nobody remembers must fall silent by itself."""
HEX_DIGITS = 64


class DeviceForm(forms.Form):
    """What is said of every device."""

    name = forms.CharField(
        label="What the device is called",
        help_text="So that you know it again in the history, for example “Scanner at home”.",
        max_length=80,
    )
    until = forms.DateField(
        label="May send until",
        help_text="The last day. Then it must be enrolled again.",
        widget=DateInput(),
        initial=lambda: timezone.localdate() + timedelta(days=365),
    )
    certificate = forms.CharField(
        label="SHA-256 fingerprint of its client certificate",
        help_text="Only for a device that shows one over TLS; then its token alone is not enough.",
        required=False,
        max_length=100,
    )

    def clean_until(self) -> datetime:
        """The end of that day."""
        day: date = self.cleaned_data["until"]
        if day < timezone.localdate():
            raise forms.ValidationError("Choose a day that is still to come.")
        if day > timezone.localdate() + LONGEST:
            raise forms.ValidationError(
                "Choose a day within the next two years; it can be enrolled again then."
            )
        return timezone.make_aware(datetime.combine(day, time.max))

    def clean_certificate(self) -> str:
        """64 hexadecimal digits, colons and blanks left out."""
        given = re.sub(r"[:\s]", "", self.cleaned_data["certificate"]).lower()
        if given and not re.fullmatch(rf"[0-9a-f]{{{HEX_DIGITS}}}", given):
            raise forms.ValidationError(
                f"A SHA-256 fingerprint has {HEX_DIGITS} hexadecimal digits."
            )
        return given


class HospitalDeviceForm(DeviceForm):
    """A hospital names its patients by their numbers."""

    numbers = forms.CharField(
        label="Hospital numbers of the patients",
        help_text="One on each line. It can send images of these patients alone.",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=20_000,
    )
    field_order = ["name", "numbers", "until", "certificate"]

    def __init__(self, *args: Any, institution: Institution, **options: Any) -> None:
        super().__init__(*args, **options)
        self.institution = institution

    def clean_numbers(self) -> list[Patient]:
        """The patients in care here whose numbers these are."""
        found: list[Patient] = []
        here = Enrolment.objects.filter(institution=self.institution, ended_at=None)
        for number in filter(None, map(str.strip, self._lines())):
            indexes = blind_indexes(number, purpose="hospital number")
            enrolment = here.filter(number_index__in=indexes).first()
            if enrolment is None:
                raise forms.ValidationError(
                    f"{number} is the number of no patient in your care."
                )
            if enrolment.patient not in found:
                found.append(enrolment.patient)
        return found

    def clean(self) -> dict[str, Any]:
        """What an action takes."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        given["patients"] = given.pop("numbers", [])
        given["institution"] = self.institution
        return given

    def _lines(self) -> list[str]:
        return re.split(r"[\n,;]", self.cleaned_data["numbers"])


class FamilyDeviceForm(DeviceForm):
    """A family chooses among its children."""

    patients = forms.ModelMultipleChoiceField(
        label="For whom it sends",
        queryset=Patient.objects.none(),
        widget=forms.CheckboxSelectMultiple,
    )
    institution = forms.ModelChoiceField(
        label="Hospital that gets the images",
        help_text="Its doctors see them and can have them graded. It keeps what it got, as if it had made it.",
        queryset=Institution.objects.none(),
        empty_label="Choose a hospital",
    )
    field_order = ["name", "patients", "institution", "until", "certificate"]

    def __init__(self, *args: Any, children: QuerySet[Patient], **options: Any) -> None:
        super().__init__(*args, **options)
        in_care = Institution.objects.filter(
            enrolments__patient__in=children, enrolments__ended_at=None
        ).distinct()
        self._choices("patients", children)
        self._choices("institution", in_care)

    def _choices(self, name: str, rows: QuerySet[Any]) -> None:
        field = self.fields[name]
        field.queryset = rows  # type: ignore[attr-defined]
        if rows.count() == 1:
            only = rows.get()
            field.initial = [only.pk] if name == "patients" else only
