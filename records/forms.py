"""What families and hospitals type in."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.utils import timezone

from portal.models import Institution
from records.actions.emergencies import SHORTEST_REASON
from records.models import Document
from records.narrowing import Narrowing, Topic
from records.scope import Extent, Purpose, Scope

LONGEST = timedelta(days=5 * 366)
"""Of a permission: nobody should have to remember one for longer."""


def _today() -> date:
    return timezone.localdate()


def _kinds_of_histories() -> list[tuple[str, str]]:
    kinds = Document.Kind
    return [(k, str(k.label)) for k in kinds if k is not kinds.SERVICE_COPY]


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
    extent = forms.ChoiceField(
        label="What it may read",
        choices=Extent.choices,
        initial=Extent.EVERYTHING,
        widget=forms.RadioSelect,
        help_text="What it makes itself it sees anyway.",
    )
    kind = forms.ChoiceField(
        label="Which kind",
        choices=[("", "Choose a kind"), *_kinds_of_histories()],
        required=False,
    )
    documents = forms.MultipleChoiceField(
        label="Which documents", required=False, widget=forms.CheckboxSelectMultiple
    )
    purpose = forms.ChoiceField(
        label="What for", choices=Purpose.choices, initial=Purpose.TREATMENT
    )
    leaving = forms.ModelMultipleChoiceField(
        label="Is this a move?",
        help_text="Choose a hospital whose care ends with it. It keeps what it made itself.",
        queryset=Institution.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
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

    def clean(self) -> dict[str, Any]:
        """One scope; what belongs to another choice of it is left out."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        extent = given.get("extent")
        if given.get("institution") in (given.get("leaving") or []):
            self.add_error("leaving", "This is the hospital that you allow.")
        if extent == Extent.KIND and not given.get("kind"):
            self.add_error("kind", "Choose a kind of document.")
        elif extent == Extent.DOCUMENTS and not given.get("documents"):
            self.add_error("documents", "Choose at least one document.")
        elif extent and not self.errors:
            given["scope"] = Scope(
                Extent(extent),
                given["kind"] if extent == Extent.KIND else "",
                frozenset(map(UUID, given["documents"]))
                if extent == Extent.DOCUMENTS
                else frozenset(),
            )
        return given


class NarrowingForm(forms.Form):
    """Narrows a history; every field may stay empty."""

    hospital = forms.ModelChoiceField(
        label="Hospital",
        queryset=Institution.objects.none(),
        empty_label="Every hospital",
        required=False,
    )
    topic = forms.ChoiceField(
        label="About", choices=[("", "Everything"), *Topic.choices], required=False
    )
    first = forms.DateField(label="From", widget=DateInput(), required=False)
    last = forms.DateField(label="To", widget=DateInput(), required=False)

    def clean(self) -> dict[str, Any]:
        """Days in their order."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = given.get("first"), given.get("last")
        if first and last and last < first:
            self.add_error("last", "This day lies before the first one.")
        return given

    def narrowing(self) -> Narrowing:
        """What is wanted; everything, while something does not make sense."""
        if not self.is_valid():
            return Narrowing()
        given = self.cleaned_data
        topic = Topic(given["topic"]) if given["topic"] else None
        return Narrowing(given["hospital"], topic, given["first"], given["last"])


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


class GuardianForm(forms.Form):
    full_name = forms.CharField(label="Full name", max_length=120)
    email = forms.EmailField(
        label="E-mail address",
        help_text="They choose a password with “I have forgotten my password” on the sign-in page.",
    )
    papers = forms.BooleanField(
        label="We have seen the papers that show this person may act for the patient.",
        error_messages={"required": "Look at the papers first."},
    )

    def clean(self) -> dict[str, Any]:
        """What an action takes; that the papers were seen has been said by then."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        given.pop("papers", None)
        return given


class PatientForm(forms.Form):
    """For the patient who takes over."""

    email = forms.EmailField(
        label="The patient's own e-mail address",
        help_text="They choose a password with “I have forgotten my password” on the sign-in page.",
    )
    papers = forms.BooleanField(
        label="We have seen the papers that show this person is the patient.",
        error_messages={"required": "Look at the papers first."},
    )


class KnownPatientEmergencyForm(forms.Form):
    reason = forms.CharField(
        label="Why this cannot wait",
        help_text="The family and your hospital's admin read it.",
        min_length=SHORTEST_REASON,
        max_length=1000,
        error_messages={
            "min_length": "Say in a sentence why this cannot wait; the family reads it."
        },
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    password = forms.CharField(
        label="Your password, once more",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        strip=False,
    )


class EmergencyForm(KnownPatientEmergencyForm):
    code = forms.CharField(
        label="Patient's code",
        help_text="If the family has it at hand.",
        max_length=20,
        required=False,
    )
    full_name = forms.CharField(
        label="Otherwise: full name", max_length=120, required=False
    )
    birth_date = forms.DateField(
        label="and date of birth", widget=DateInput(), required=False
    )
    field_order = ["code", "full_name", "birth_date", "reason", "password"]

    def clean(self) -> dict[str, Any]:
        """One way or the other to say who it is."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        named = given.get("full_name") and given.get("birth_date")
        if not (given.get("code") or named) and "birth_date" not in self.errors:
            self.add_error(
                "code", "Give the code, or the full name with the date of birth."
            )
        return given


class ReviewForm(forms.Form):
    verdict = forms.ChoiceField(
        label="Was it justified?",
        choices=[("justified", "Justified"), ("unjustified", "Not justified")],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label="A word on it",
        help_text="The family reads it. Needed if it was not justified.",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
    )


class AskErasureForm(forms.Form):
    institution = forms.ModelChoiceField(
        label="Hospital",
        queryset=Institution.objects.none(),
        empty_label="Choose a hospital",
    )


class RefuseErasureForm(forms.Form):
    reason = forms.CharField(
        label="Why nothing is erased",
        help_text="The family reads it.",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ArrivingPatientForm(forms.Form):
    prefix = "arriving"
    code = forms.CharField(
        label="Patient's code",
        help_text="The family finds it on the patient's page, for example K7MD-2QWX-9RTB.",
        max_length=20,
    )
    hospital_number = forms.CharField(label="Hospital number", max_length=40)
