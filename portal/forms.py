"""What admins type in."""

from django import forms

from portal.roles import Role


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
