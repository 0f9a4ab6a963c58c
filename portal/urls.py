"""Every address of the portal; other apps are named by string."""

from django.urls import include, path

from portal.views.home import alive, home, switch_institution
from portal.views.institutions import institutions
from portal.views.ledger import ledger
from portal.views.members import members

urlpatterns = [
    path("", home, name="home"),
    path("alive/", alive, name="alive"),
    path("acting-for/", switch_institution, name="switch_institution"),
    path("people/", members, name="members"),
    path("institutions/", institutions, name="institutions"),
    path("accounts/", include("allauth.account.urls")),
    path("ledger/", ledger, name="ledger"),
    path("ledger/", include("ledger.urls")),
    path("", include("records.urls")),
    path("", include("diagnosis.urls")),
]
