"""Who: people, institutions, roles and keys."""
