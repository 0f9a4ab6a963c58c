"""The refusal of a whole data set; single files are refused as images are.

ArchiveRefused(ValueError)    one kind: every refusal is a sentence for the uploader
"""


class ArchiveRefused(ValueError):
    """Nothing of an archive can be used, said in one sentence."""
