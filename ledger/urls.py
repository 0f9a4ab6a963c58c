"""Addresses of the log itself."""

from django.urls import path

from ledger import views

urlpatterns = [path("checkpoint", views.checkpoint, name="checkpoint")]
