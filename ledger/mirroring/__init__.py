"""Fetching a log from where it is served, keeping a copy, restoring it from one."""
