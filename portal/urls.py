"""Every address of the portal; other apps are named by string."""

from django.urls import include, path

from portal.views.health import health
from portal.views.home import alive, home, switch_institution
from portal.views.institutions import institutions
from portal.views.members import members, rules

urlpatterns = [
    path("", home, name="home"),
    path("alive/", alive, name="alive"),
    path("acting-for/", switch_institution, name="switch_institution"),
    path("people/", members, name="members"),
    path("people/rules/", rules, name="rules"),
    path("institutions/", institutions, name="institutions"),
    path("accounts/", include("allauth.account.urls")),
    path("health/", health, name="health"),
    path("ledger/", include("ledger.urls")),
    path("", include("records.urls")),
    path("", include("diagnosis.urls")),
]
