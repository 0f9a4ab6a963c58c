"""DICOM modality codes in words."""

from collections.abc import Mapping

ULTRASOUND = "US"

MODALITY_WORDS: Mapping[str, str] = {
    "AR": "an autorefraction",
    "AU": "an audio recording",
    "BI": "a biomagnetic image",
    "BMD": "a bone density scan",
    "CR": "a computed radiograph",
    "CT": "a computed tomography",
    "DOC": "a document",
    "DG": "a diaphanograph",
    "DX": "a digital radiograph",
    "ECG": "an electrocardiogram",
    "EEG": "an electroencephalogram",
    "EPS": "an electrophysiology recording",
    "ES": "an endoscopy",
    "FID": "a fiducial set",
    "GM": "a microscope image",
    "HD": "a haemodynamic waveform",
    "IO": "an intra-oral radiograph",
    "IOL": "an intraocular lens measurement",
    "IVOCT": "an intravascular optical tomography",
    "IVUS": "an intravascular catheter scan",
    "KER": "a keratometry",
    "KO": "a key object selection",
    "MG": "a mammogram",
    "MR": "a magnetic resonance image",
    "NM": "a nuclear medicine image",
    "OCT": "an optical coherence tomography",
    "OP": "an ophthalmic photograph",
    "OPT": "an ophthalmic tomography",
    "OT": "an image of unnamed origin",
    "PR": "a presentation state",
    "PT": "a positron emission tomography",
    "PX": "a panoramic radiograph",
    "REG": "a registration",
    "RF": "a fluoroscopy",
    "RG": "a radiograph",
    "RTDOSE": "a radiotherapy dose",
    "RTIMAGE": "a radiotherapy image",
    "RTPLAN": "a radiotherapy plan",
    "RTRECORD": "a radiotherapy record",
    "RTSTRUCT": "a radiotherapy structure set",
    "SC": "a secondary capture",
    "SEG": "a segmentation",
    "SM": "a slide microscopy",
    "SR": "a structured report",
    "TG": "a thermogram",
    "XA": "an X-ray angiogram",
    "XC": "a photograph",
}


def describe_modality(code: str) -> str:
    """Return a code in words with an article, such as 'a mammogram (MG)'."""
    words = MODALITY_WORDS.get(code)
    if words:
        return f"{words} ({code})"
    printable = "".join(filter(str.isprintable, code))[:16]
    return f"of the unknown modality “{printable}”"
