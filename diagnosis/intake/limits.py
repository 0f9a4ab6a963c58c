"""How much a data set may hold before anything of it is inflated."""

MAX_ARCHIVE = 2 << 30
"""Bytes of the archive as it comes."""

MAX_FILES = 20_000
MAX_DIRECTORY = 8 << 20
"""Bytes of the archive's table of contents, which is held in memory."""

MAX_FILE = 100 << 20
"""Bytes of one file, inflated: it is held whole while it is decoded."""

MAX_INFLATED = 8 << 30
"""Bytes inflated of all files together: four times what may be sent."""

MAX_LIST = 8 << 20
"""Bytes of the list of labels."""
