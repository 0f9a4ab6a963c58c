"""Addresses of the log itself."""

from django.urls import path

from ledger import views

urlpatterns = [
    path("", views.ledger, name="ledger"),
    path("checkpoint", views.checkpoint, name="checkpoint"),
]
