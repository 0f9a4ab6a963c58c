"""What families and hospitals type in."""

from datetime import date, datetime, time, timedelta

from django import forms
from django.utils import timezone

from portal.models import Institution

LONGEST = timedelta(days=5 * 366)
"""Of a permission: nobody should have to remember one for longer."""


def _today() -> date:
    return timezone.localdate()


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class ConsentForm(forms.Form):
    institution = forms.ModelChoiceField(
        label="Hospital",
        queryset=Institution.objects.none(),
        empty_label="Choose a hospital",
    )
    until = forms.DateField(
        label="Until",
        help_text="The last day on which the hospital may read.",
        widget=DateInput(),
        initial=lambda: _today() + timedelta(days=365),
    )

    def clean_until(self) -> datetime:
        """The end of that day."""
        day: date = self.cleaned_data["until"]
        if day < _today():
            raise forms.ValidationError("Choose a day that is still to come.")
        if day > _today() + LONGEST:
            raise forms.ValidationError(
                "Choose a day within the next five years; you can allow it again then."
            )
        return timezone.make_aware(datetime.combine(day, time.max))


class NewPatientForm(forms.Form):
    prefix = "new"
    full_name = forms.CharField(label="Patient's full name", max_length=120)
    birth_date = forms.DateField(label="Date of birth", widget=DateInput())
    hospital_number = forms.CharField(label="Hospital number", max_length=40)
    guardian_name = forms.CharField(label="Guardian's full name", max_length=120)
    guardian_email = forms.EmailField(
        label="Guardian's e-mail address",
        help_text="They choose a password with “I have forgotten my password” on the sign-in page.",
    )

    def clean_birth_date(self) -> date:
        """Not in the future."""
        day: date = self.cleaned_data["birth_date"]
        if day > _today():
            raise forms.ValidationError("This day is still to come.")
        return day


class ArrivingPatientForm(forms.Form):
    prefix = "arriving"
    code = forms.CharField(
        label="Patient's code",
        help_text="The family finds it on the patient's page, for example K7MD-2QWX-9RTB.",
        max_length=20,
    )
    hospital_number = forms.CharField(label="Hospital number", max_length=40)
