"""From pixels to a report, with the shipped weights."""

import time
from dataclasses import replace

import numpy as np
import pytest

from diagnosis.grading.errors import PixelsRejected
from diagnosis.grading.manifest import DEFAULT_WEIGHTS
from diagnosis.grading.pipeline import STAGES, Grader
from diagnosis.grading.referral import Referral
from diagnosis.grading.report import GradeReport
from diagnosis.grading.scale import Grade
from diagnosis.grading.weights import load_network
from diagnosis.training.dataset import HELD_OUT
from diagnosis.training.phantoms import make_phantom

SEEDS = [HELD_OUT + number for number in (500, 501, 502)]
SIZE = (768, 1024)


def noise(size=SIZE):
    return np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("grade", Grade)
def test_grades_kidneys_that_it_has_never_seen(grader, grade, seed):
    phantom = make_phantom(grade, seed)
    report = grader.grade(phantom.pixels)
    assert report.grade is grade
    assert report.probabilities[grade] == max(report.probabilities.values())
    assert abs(report.fluid_fraction - (phantom.mask == 2).mean()) < 0.05


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros(SIZE, dtype=np.uint8),
        np.full(SIZE, 255, dtype=np.uint8),
        np.full(SIZE, 90, dtype=np.uint8),
        noise(),
        noise((*SIZE, 3)),
    ],
    ids=["black", "white", "grey", "noise", "coloured noise"],
)
def test_finds_no_kidney_where_there_is_none(grader, pixels):
    report = grader.grade(pixels)
    assert report.grade is None
    assert report.referral in set(Referral) - {Referral.DOUBT}
    assert report.reason.startswith(("No kidney found: ", "Not graded: "))
    assert (report.probabilities, report.measurements, report.doubt) == (None,) * 3
    assert report.hydronephrosis_index is None
    assert set(report.seconds) == {"segmenting"}


@pytest.mark.parametrize(
    "size", [(64, 64), (480, 640), (600, 800), (1080, 1920), (900, 300), (64, 5000)]
)
def test_reads_frames_of_any_sane_size(grader, size):
    pixels = make_phantom(Grade.SFU_4, SEEDS[0], size=size).pixels
    report = grader.grade(pixels)
    assert report.mask.shape == size
    GradeReport.from_json(report.to_json())


def test_the_grade_survives_another_resolution_of_the_same_picture(grader):
    small = make_phantom(Grade.SFU_4, SEEDS[1]).pixels[::2, ::2]
    assert grader.grade(small).grade is Grade.SFU_4


def test_colour_is_read_as_its_luma(grader):
    grey = make_phantom(Grade.SFU_3, SEEDS[0]).pixels
    colour = np.repeat(grey[..., None], 3, axis=2)
    ours, theirs = grader.grade(grey), grader.grade(colour)
    assert ours.probabilities == theirs.probabilities
    np.testing.assert_array_equal(ours.mask, theirs.mask)


def test_the_same_pixels_give_the_same_report(grader):
    pixels = make_phantom(Grade.SFU_3, SEEDS[2]).pixels
    before = pixels.copy()
    first, second = grader.grade(pixels), grader.grade(pixels)
    assert first.probabilities == second.probabilities
    np.testing.assert_array_equal(first.mask, second.mask)
    np.testing.assert_array_equal(pixels, before)


def test_tells_each_stage_as_it_begins(grader):
    told: list[str] = []
    pixels = make_phantom(Grade.SFU_4, SEEDS[0]).pixels
    report = grader.grade(pixels, on_stage=told.append)
    assert told == list(STAGES) == list(report.seconds)


def test_measures_in_millimetres_only_where_the_file_says_how_wide_a_pixel_is(grader):
    phantom = make_phantom(Grade.SFU_4, SEEDS[0])
    pixels = grader.grade(phantom.pixels).measurements
    scaled = grader.grade(phantom.pixels, millimetres_per_pixel=(0.2, 0.2)).measurements
    assert (pixels.unit, scaled.unit) == ("pixels", "mm")
    assert scaled.pelvis_diameter == pytest.approx(0.2 * pixels.pelvis_diameter)


def test_says_where_it_looked_and_how_sure_it_is(grader):
    report = grader.grade(make_phantom(Grade.SFU_4, SEEDS[0]).pixels)
    assert report.attention.shape == (96, 128)
    assert report.attention.max() > 200
    assert report.doubt.certainty == max(report.probabilities.values())
    back = GradeReport.from_json(report.to_json())
    np.testing.assert_array_equal(back.attention, report.attention)
    assert (back.doubt, back.measurements) == (report.doubt, report.measurements)


def test_what_it_is_not_sure_of_is_left_to_a_person(grader):
    strict = Grader(
        manifest=replace(grader.manifest, least_certainty=1.0),
        sha256=grader.sha256,
        segmenter=load_network(DEFAULT_WEIGHTS, grader.manifest.segmenter),
        classifier=load_network(DEFAULT_WEIGHTS, grader.manifest.classifier),
    )
    report = strict.grade(make_phantom(Grade.SFU_4, SEEDS[0]).pixels)
    assert (report.grade, report.probabilities, report.attention) == (None,) * 3
    assert report.reason
    assert report.referral is Referral.DOUBT
    assert report.reason.endswith("less than 100.0%.")
    assert report.measurements and report.doubt  # noqa: PT018
    GradeReport.from_json(report.to_json())


def test_names_the_weights_that_it_used(grader):
    report = grader.grade(noise())
    assert report.model_version == grader.manifest.version
    assert report.weights_sha256 == grader.sha256
    assert (report.backend, report.device) == ("eager", "cpu")


@pytest.mark.parametrize(
    ("pixels", "sentence"),
    [
        (np.zeros((64, 63), dtype=np.uint8), "too small"),
        (np.zeros((100, 100), dtype=np.float32), "bytes"),
        (np.zeros((100, 100, 4), dtype=np.uint8), "RGB"),
        (np.zeros(100, dtype=np.uint8), "RGB"),
        (np.zeros((2, 100, 100, 3), dtype=np.uint8), "RGB"),
    ],
)
def test_refuses_what_is_no_frame(grader, pixels, sentence):
    with pytest.raises(PixelsRejected, match=sentence):
        grader.grade(pixels)


@pytest.mark.slow
def test_grades_a_frame_of_the_papers_size_in_under_a_second(grader):
    pixels = make_phantom(Grade.SFU_3, SEEDS[0]).pixels
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        grader.grade(pixels)
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 1  # the best of five: the machine may be busy
