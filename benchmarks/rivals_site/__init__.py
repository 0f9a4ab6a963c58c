"""A Django site with one small table for each way of recording what happens to it."""
