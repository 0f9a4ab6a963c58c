"""Addresses of the log itself, and of this site as a witness of others."""

from django.urls import path

from ledger import views

urlpatterns = [
    path("checkpoint", views.checkpoint, name="checkpoint"),
    path("tile/entries/<path:path>", views.entries, name="entries"),
    path("tile/<str:level>/<path:path>", views.tile, name="tile"),
    path("keys", views.keys, name="keys"),
    path("checker/<str:name>", views.checker, name="checker"),
    path("witness/add-checkpoint", views.add_checkpoint, name="add_checkpoint"),
    path(
        "witness/<str:origin_hash>/checkpoint",
        views.cosigned_checkpoint,
        name="cosigned_checkpoint",
    ),
]
