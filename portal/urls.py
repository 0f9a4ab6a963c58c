"""Every address of the portal; other apps are named by string."""

from django.urls import include, path

from portal.views.health import health
from portal.views.home import alive, home, switch_institution
from portal.views.institutions import institutions
from portal.views.members import members, rules
from portal.views.notifications import (
    notifications,
    open_notification,
    read_notifications,
)

urlpatterns = [
    path("", home, name="home"),
    path("alive/", alive, name="alive"),
    path("acting-for/", switch_institution, name="switch_institution"),
    path("people/", members, name="members"),
    path("people/rules/", rules, name="rules"),
    path("institutions/", institutions, name="institutions"),
    path("notifications/", notifications, name="notifications"),
    path("notifications/read/", read_notifications, name="read_notifications"),
    path(
        "notifications/<int:notification_id>/",
        open_notification,
        name="open_notification",
    ),
    path("accounts/", include("allauth.account.urls")),
    path("health/", health, name="health"),
    path("ledger/", include("ledger.urls")),
    path("", include("records.urls")),
    path("", include("diagnosis.urls")),
]
