"""What admins type in."""

from django import forms

from portal.roles import Role


class RulesForm(forms.Form):
    age_of_majority = forms.IntegerField(
        label="Age of majority",
        help_text="From this age a patient acts alone, and guardians no longer do: they end the next night.",
        min_value=14,
        max_value=25,
    )
    retention_years = forms.IntegerField(
        label="Years for which documents are kept",
        help_text="Before that, nothing your hospital made can be erased.",
        min_value=0,
        max_value=50,
    )


class MemberForm(forms.Form):
    full_name = forms.CharField(label="Full name", max_length=120)
    email = forms.EmailField(
        label="E-mail address",
        help_text="They choose a password with “I have forgotten my password” on the sign-in page.",
    )
    role = forms.ChoiceField(
        label="Role",
        choices=[(r.value, r.label) for r in (Role.DOCTOR, Role.HOSPITAL_ADMIN)],
    )
