"""Django's PostgreSQL, asked in somebody's name."""
