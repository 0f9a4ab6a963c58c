"""Several looks at one picture, what they say together, and when a person is asked."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from diagnosis.grading.doubt import Doubt
from diagnosis.grading.errors import ReportRejected
from diagnosis.grading.framing import Letterbox
from diagnosis.grading.manifest import Manifest, Part
from diagnosis.grading.referral import (
    Referral,
    contrast,
    look_at_doubt,
    look_at_mask,
    look_at_pixels,
)
from diagnosis.grading.second_look import LONGEST, lay_over, look_again
from diagnosis.grading.views import views
from diagnosis.networks.catalogue import CATALOGUE, Width

PART = Part(file="x", network="x", width=16, size=224, sha256="")
MANIFEST = Manifest(version="test", segmenter=PART, classifier=PART)
SURE, TORN = [0.9, 0.1, 0.0], [0.0, 0.2, 0.8]


def picture(side=64):
    grey = np.random.default_rng(3).integers(0, 256, (side, side, 3))
    return grey.astype(np.uint8)


def between(looks):
    return Doubt.between(np.array(looks), least_agreement=0.75, least_certainty=0.5)


def test_looks_that_agree_leave_no_doubt():
    doubt = between([SURE] * 4)
    assert (doubt.views, doubt.agreement, doubt.agreeing) == (4, 1.0, 4)
    assert doubt.spread == pytest.approx(0)
    assert doubt.certainty == 0.9


def test_looks_that_differ_spread_the_expected_grade():
    doubt = between([SURE, TORN])
    assert doubt.agreement == 0.5
    assert doubt.spread == pytest.approx((1.8 - 0.1) / 2)


@pytest.mark.parametrize(
    "fields",
    [
        {"views": 1},
        {"agreement": 1.2},
        {"certainty": -0.1},
        {"spread": float("inf")},
        {"spread": -1.0},
    ],
)
def test_impossible_doubt_is_refused(fields):
    usual = between([SURE] * 4).to_fields()
    with pytest.raises(ReportRejected):
        Doubt.of_fields(usual | fields)


def test_views_show_the_same_picture():
    plain = picture()
    seen = views(plain)
    np.testing.assert_array_equal(seen[0], plain)
    np.testing.assert_array_equal(seen[1][:, ::-1], plain)
    assert seen[2].mean() < plain.mean() < seen[3].mean()
    assert not np.shares_memory(seen, plain)


class Looker(nn.Module):
    """Answers for output k by how bright quarter k of the picture is."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.AvgPool2d(8)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 3, bias=False))
        weight = torch.zeros(3, 3, 8, 8)
        weight[0, :, :, :4], weight[1, :, :4], weight[2, :, 4:] = 1, 1, 1
        self.head[1].weight = nn.Parameter(weight.reshape(3, -1), requires_grad=False)

    def forward(self, images):
        return self.head(self.trunk(images))


def test_a_second_look_says_how_sure_and_where():
    lit = np.zeros((64, 64, 3), np.uint8)
    lit[8:16, 8:16] = 255  # top left: outputs 0 and 1 gain alike
    looker = Looker()
    with torch.inference_mode():
        probabilities, places = look_again(looker, lit)
    assert probabilities.shape == (4, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert probabilities[0, 0] > probabilities[1, 0]  # mirrored, it leaves the left
    assert places.shape == (8, 8)
    assert places[1, 1] == places.max() == 255


@pytest.mark.parametrize(
    "name", [name for name, spec in CATALOGUE.items() if spec.task == "grading"]
)
def test_every_grading_network_can_be_asked_where_it_looked(name):
    torch.manual_seed(0)
    spec = CATALOGUE[name]
    network = spec.build(Width.QUARTER).eval().requires_grad_(requires_grad=False)
    with torch.inference_mode():
        probabilities, places = look_again(network, picture(spec.size))
        again, where = look_again(network, picture(spec.size))
    assert probabilities.shape[0] == 4
    assert places.ndim == 2
    np.testing.assert_array_equal(places, where)
    np.testing.assert_array_equal(probabilities, again)


def test_a_map_lies_over_the_image_where_the_crop_was():
    box = Letterbox.of((300, 400), (768, 1024))
    places = np.full((7, 7), 255, np.uint8)
    window = (slice(0, 384), slice(512, 1024))  # the upper right quarter
    laid = lay_over(places, window=window, box=box, size=(300, 400))
    assert laid.shape == (96, LONGEST)
    assert laid[:44, 68:].min() == 255
    assert laid[52:].max() == laid[:, :60].max() == 0


def test_small_images_get_no_larger_map():
    box = Letterbox.of((70, 64), (768, 1024))
    window = (slice(0, 608), slice(100, 910))
    places = np.zeros((7, 7), np.uint8)
    assert lay_over(places, window=window, box=box, size=(70, 64)).shape == (70, 64)


def referred(found):
    assert found
    return found


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_picture_of_nothing_is_of_no_use(level):
    grey = np.full((80, 80), level, np.uint8)
    kind, sentence = referred(look_at_pixels(grey, grey, MANIFEST))
    assert kind is Referral.QUALITY
    assert "at least 16" in sentence


def test_a_colour_photograph_is_out_of_scope():
    colour = picture(80)
    kind, sentence = referred(look_at_pixels(colour, colour[..., 0], MANIFEST))
    assert kind is Referral.SCOPE
    assert "more than 25%" in sentence


def test_grey_in_three_channels_is_grey():
    grey = picture(80)[..., 0]
    assert look_at_pixels(np.stack([grey] * 3, axis=2), grey, MANIFEST) is None


def test_black_ground_says_nothing_of_the_contrast():
    grey = picture(80)[..., 0]
    assert contrast(np.pad(grey, 400)) == contrast(grey)


@pytest.mark.parametrize(
    ("share", "confidence", "words"),
    [(0.001, 0.99, "less than 1.0%"), (0.2, 0.6, "less than 75.0%"), (0.2, 0.8, None)],
)
def test_no_kidney_is_no_grade(share, confidence, words):
    mask = np.zeros((100, 100), np.uint8)
    mask.flat[: round(share * mask.size)] = 1
    found = look_at_mask(mask, confidence, MANIFEST)
    assert (found is None) if words is None else words in referred(found)[1]


@pytest.mark.parametrize(
    ("certainty", "agreement", "words"),
    [(0.49, 1.0, "less than 50.0%"), (0.9, 0.5, "2 of 4 looks"), (0.51, 0.75, None)],
)
def test_doubt_asks_a_person_and_names_the_threshold(certainty, agreement, words):
    doubt = replace(between([SURE] * 4), agreement=agreement, certainty=certainty)
    found = look_at_doubt(doubt)
    assert (found is None) if words is None else words in referred(found)[1]
