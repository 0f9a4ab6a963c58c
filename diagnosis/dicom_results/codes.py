"""What results call things, in DICOM's own vocabularies where those have a word."""

from collections.abc import Mapping

from pydicom.sr.coding import Code

from diagnosis.grading.scale import Grade

OURS = "99ANAMNESIS"
"""Scheme of the words that no vocabulary has."""

KIDNEY = Code("64033007", "SCT", "Kidney")
HYDRONEPHROSIS = Code("43064006", "SCT", "Hydronephrosis")
ORGAN = Code("123037004", "SCT", "Anatomical Structure")
ABNORMAL = Code("49755003", "SCT", "Morphologically Altered Structure")
ULTRASOUND = Code("241480009", "SCT", "Ultrasonography of kidney")
LEARNING = Code("123109", "DCM", "Artificial Intelligence")

AREA = Code("42798000", "SCT", "Area")
DIAMETER = Code("81827009", "SCT", "Diameter")
SQUARE_MILLIMETRES = Code("mm2", "UCUM", "mm2")
MILLIMETRES = Code("mm", "UCUM", "mm")
PIXELS = Code("{pixels}", "UCUM", "pixels")
RATIO = Code("{ratio}", "UCUM", "ratio")

TISSUE_AREA = Code("tissue-area", OURS, "Area of renal tissue without fluid")
HYDRONEPHROSIS_INDEX = Code("hi", OURS, "Hydronephrosis index (Shapiro 2008)")
FLUID_TO_TISSUE = Code("harp", OURS, "Hydronephrosis area to renal parenchyma")
PROBABILITY: Mapping[Grade, Code] = {
    grade: Code(f"p-{grade.output}", OURS, f"Probability of {grade.value}")
    for grade in Grade
}

SUGGESTED = Code("sfu", OURS, "Suggested grade, Society for Fetal Urology")
GRADES: Mapping[Grade | None, Code] = {
    Grade.SFU_0_2: Code("sfu-0-2", OURS, "SFU 0-2"),
    Grade.SFU_3: Code("sfu-3", OURS, "SFU 3"),
    Grade.SFU_4: Code("sfu-4", OURS, "SFU 4"),
    None: Code("sfu-none", OURS, "No grade: a person is asked"),
}
