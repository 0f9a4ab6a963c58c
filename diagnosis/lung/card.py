"""The card of the lung's grader: what it answers, from what, and where it stops."""

from diagnosis.lung.manifest import LungManifest

_CARD = """\
# Lung CT, {version}

**Research only, not for clinical use.**

Answers whether a series of axial CT slices of the chest looks like those of patients
with COVID-19 in the data that it learnt from: {classes}.

| | |
|---|---|
| Takes | one DICOM series, uncompressed, with rescale slope and intercept |
| Network | {network}, width {width}, {size}², SHA-256 `{sha256}` |
| Channels | {windows} |
| For the patient | {rule} |
| Asks a person | under {least_slices} slices; under {least_aerated:.0%} as dense as aired \
lung; under {least_certainty:.0%} for the likelier finding |

The windows lie between substances of the COVID paper's Table II, which gives no windows.
The three limits were set beforehand, not chosen on data.

It has no notion of any other disease: what is neither is named after what it is more
like. It says nothing about where in the lung, or how severe.

# How it was trained

{training}"""


def write_card(manifest: LungManifest, training: str) -> str:
    """Fill in the card, Markdown.

    Args:
        manifest: of the weights.
        training: the card that training wrote.
    """
    part = manifest.network
    return _CARD.format(
        **vars(manifest)
        | {
            "classes": " or ".join(manifest.classes),
            "network": part.network,
            "width": part.width,
            "size": part.size,
            "sha256": part.sha256,
            "windows": "; ".join(
                f"{w.name}, {w.low:g} to {w.high:g} HU" for w in manifest.windows
            ),
            "training": training.replace("# ", "## "),
        },
    )
