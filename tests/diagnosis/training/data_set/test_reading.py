"""Data sets are read as they lie, and refused by name before anything trains."""

from collections import defaultdict

import numpy as np
import pytest
from PIL import Image

from diagnosis.grading.scale import Grade
from diagnosis.training.data_set.reading import Source, check_files, read_data_set
from diagnosis.training.data_set.samples import exam_weights
from diagnosis.training.errors import DataSetRefused
from tests.diagnosis.training.data_set.drawing import (
    draw_classes,
    draw_image,
    draw_masked,
    write_list,
)


def grading(path, **options):
    return read_data_set(Source(path, **options), segmentation=False)


def segmentation(path, **options):
    return read_data_set(Source(path, **options), segmentation=True)


def rows(folder, *, columns=lambda number, label: {}, per_class=4):
    """A list over ``draw_classes`` with further columns."""
    draw_classes(folder, per_class=per_class)
    return [
        {"path": f"{label}/{number}.png", "label": label, **columns(number, label)}
        for label in ("dark", "light")
        for number in range(per_class)
    ]


def test_a_folder_has_a_sub_folder_for_each_class(tmp_path):
    data = grading(draw_classes(tmp_path))
    assert data.classes == ("dark", "light")
    assert {sample.label for sample in data.of("train")} == {"dark", "light"}
    assert len(data.of("train")) + len(data.of("val")) == 8
    assert len(check_files(data, segmentation=False)) == 64


def test_folders_named_train_and_val_are_the_split(tmp_path):
    draw_classes(tmp_path / "train")
    draw_classes(tmp_path / "val", per_class=1)
    data = grading(tmp_path)
    assert len(data.of("val")) == 2
    assert data.of("val")[0].label == "dark"


def test_folders_inside_a_class_are_patients(tmp_path):
    for patient in range(4):
        for label in ("dark", "light"):
            draw_classes(tmp_path / label, classes=(f"patient-{patient}",), per_class=2)
    data = grading(tmp_path)
    sides = {(sample.group, sample.split) for sample in data.samples}
    assert len(sides) == 8


def test_grades_keep_the_order_of_the_outputs(tmp_path):
    data = grading(draw_classes(tmp_path, classes=("SFU 4", "SFU 0-2")))
    assert data.classes == tuple(Grade)


def test_the_same_seed_splits_alike(tmp_path):
    draw_classes(tmp_path, per_class=12)
    assert grading(tmp_path, seed=3) == grading(tmp_path, seed=3)
    assert grading(tmp_path, seed=3) != grading(tmp_path, seed=4)


def test_a_list_keeps_its_split_groups_and_folds(tmp_path):
    listed = rows(
        tmp_path / "images",
        columns=lambda number, label: {
            "split": "val" if number == 3 else "train",
            "group": f"{label}-{number}",
            "fold": str(number % 2),
        },
    )
    path = write_list(tmp_path / "list.csv", listed)
    data = grading(path, images=tmp_path / "images")
    assert {sample.group for sample in data.of("val")} == {"dark-3", "light-3"}
    folded = grading(path, images=tmp_path / "images", fold=0)
    assert {sample.fold for sample in folded.of("val")} == {0}
    assert {sample.fold for sample in folded.of("train")} == {1}


def test_the_one_list_in_a_folder_is_its_list(tmp_path):
    write_list(tmp_path / "list.csv", rows(tmp_path))
    assert len(grading(tmp_path).samples) == 8


def test_a_list_finds_images_where_the_extraction_script_wrote_them(tmp_path):
    listed = [
        {"path": f"data/1/{label}/{split}.png", "label": label, "split": split}
        for label in ("abnormal", "normal")
        for split in ("train", "val")
    ]
    for row in listed:
        folder = tmp_path / "out" / row["split"] / row["label"]
        image = draw_image(folder / row["path"].replace("/", "_"))
        draw_image(image.with_name(f"{image.stem}_M.png"))
    data = grading(write_list(tmp_path / "l.csv", listed), images=tmp_path / "out")
    assert [s.split for s in data.samples] == ["train", "val", "train", "val"]
    assert all(sample.mask for sample in data.samples)


def test_masks_lie_beside_their_images_or_in_a_column(tmp_path):
    draw_masked(tmp_path / "beside", count=3)
    data = segmentation(tmp_path / "beside")
    assert [sample.mask.name for sample in data.samples] == [
        "0_mask.png",
        "1_mask.png",
        "2_mask.png",
    ]
    check_files(data, segmentation=True)
    draw_image(tmp_path / "other" / "a.png", side=96)
    draw_image(tmp_path / "other" / "b.png", side=96)
    (tmp_path / "other" / "outlines").mkdir()
    mask = tmp_path / "beside" / "0_mask.png"
    (tmp_path / "other" / "outlines" / "of.png").write_bytes(mask.read_bytes())
    listed = [{"path": f"{n}.png", "mask": "outlines/of.png"} for n in "ab"]
    data = segmentation(write_list(tmp_path / "other" / "list.csv", listed))
    assert {sample.mask.name for sample in data.samples} == {"of.png"}


def test_each_exam_weighs_the_same_in_each_label(tmp_path):
    listed = rows(
        tmp_path, columns=lambda number, label: {"patient": f"{label}{number % 3}"}
    )
    data = grading(write_list(tmp_path / "l.csv", listed))
    totals: defaultdict[str, float] = defaultdict(float)
    for sample, weight in zip(data.samples, exam_weights(data.samples), strict=True):
        totals[sample.group] += weight
    assert set(totals.values()) == {1}


def test_content_labels_and_splits_change_the_digest(tmp_path):
    draw_classes(tmp_path)
    before = check_files(grading(tmp_path), segmentation=False)
    assert check_files(grading(tmp_path), segmentation=False) == before
    draw_image(tmp_path / "dark" / "0.png", number=99)
    assert check_files(grading(tmp_path), segmentation=False) != before


def test_refuses_a_group_on_both_sides_by_its_name(tmp_path):
    listed = rows(
        tmp_path,
        columns=lambda number, label: {
            "split": "val" if number == 3 else "train",
            "group": "exam 17" if number > 1 else f"{label}{number}",
        },
    )
    with pytest.raises(DataSetRefused, match="Group exam 17 is in train and in val"):
        grading(write_list(tmp_path / "l.csv", listed))


def empty(path):
    return path


def one_class(path):
    return draw_classes(path, classes=("dark",))


def image_without_label(path):
    draw_classes(path)
    draw_image(path / "stray.png")
    return path


def label_without_image(path):
    listed = rows(path)
    (path / "dark" / "2.png").unlink()
    return write_list(path / "l.csv", listed)


def image_in_no_row(path):
    listed = rows(path)
    draw_image(path / "dark" / "stray.png")
    return write_list(path / "l.csv", listed)


def mask_without_image(path):
    draw_classes(path)
    draw_image(path / "dark" / "lost_M.png")
    return path


def empty_label(path):
    listed = rows(path)
    listed[3]["label"] = ""
    return write_list(path / "l.csv", listed)


def no_column(path):
    listed = rows(path)
    return write_list(path / "l.csv", [{"path": row["path"]} for row in listed])


def other_split(path):
    listed = rows(path, columns=lambda number, label: {"split": "trian"})
    return write_list(path / "l.csv", listed)


def half_split(path):
    listed = rows(path, columns=lambda n, label: {"split": "val" if n else ""})
    return write_list(path / "l.csv", listed)


def one_patient(path):
    listed = rows(path, columns=lambda number, label: {"patient": label})
    return write_list(path / "l.csv", listed)


def no_text(path):
    (path / "l.csv").write_bytes(b"path,label\n\xff\xfe\n")
    return path / "l.csv"


def twice(path):
    listed = rows(path)
    return write_list(path / "l.csv", [*listed, listed[0]])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (empty, "There is no image in"),
        (lambda path: path / "nowhere", "There is no file or folder .*nowhere"),
        (one_class, "All 4 images are labelled dark"),
        (image_without_label, "stray.png has no label"),
        (label_without_image, r"l\.csv, line 4: there is no image 'dark/2\.png'"),
        (image_in_no_row, r"has no row for .*stray\.png"),
        (mask_without_image, r"lost_M\.png is a mask"),
        (empty_label, r"line 5: dark/3\.png has no label"),
        (no_column, r"l\.csv has no column label"),
        (other_split, "'trian' is no split"),
        (half_split, r"0\.png is in no split"),
        (one_patient, r"All samples of dark are of one patient \(dark\)"),
        (no_text, r"l\.csv is no CSV file"),
        (twice, r"names .*0\.png twice"),
    ],
)
def test_refuses_bad_input_by_name(tmp_path, make, sentence):
    with pytest.raises(DataSetRefused, match=sentence):
        grading(make(tmp_path))


def test_refuses_a_label_that_the_network_does_not_know(tmp_path):
    draw_classes(tmp_path, classes=("dark", "light", "grey"))
    with pytest.raises(DataSetRefused, match="labelled grey, which is none of dark"):
        grading(tmp_path, classes=("dark", "light"))


def test_refuses_an_image_without_a_mask(tmp_path):
    draw_masked(tmp_path, count=2)
    draw_image(tmp_path / "bare.png")
    with pytest.raises(DataSetRefused, match=r"bare\.png has no mask"):
        segmentation(tmp_path)


def damaged(path):
    path.write_bytes(path.read_bytes()[:200])


def not_an_image(path):
    path.write_text("not an image")


@pytest.mark.parametrize("damage", [damaged, not_an_image])
def test_refuses_damaged_files_before_training_with_their_count(tmp_path, damage):
    draw_classes(tmp_path)
    damage(tmp_path / "dark" / "1.png")
    damage(tmp_path / "light" / "2.png")
    data = grading(tmp_path)
    with pytest.raises(
        DataSetRefused, match=r"1\.png cannot be read as an image\. 1 more"
    ):
        check_files(data, segmentation=False)


def test_refuses_a_mask_of_another_size(tmp_path):
    draw_masked(tmp_path, count=2)
    Image.new("L", (95, 96)).save(tmp_path / "1_mask.png")
    with pytest.raises(DataSetRefused, match=r"1_mask\.png has 96 × 95 pixels"):
        check_files(segmentation(tmp_path), segmentation=True)


def test_refuses_masks_that_mark_nothing(tmp_path):
    draw_masked(tmp_path, count=2)
    for number in range(2):
        Image.fromarray(np.zeros((96, 96), np.uint8)).save(
            tmp_path / f"{number}_mask.png"
        )
    with pytest.raises(DataSetRefused, match="mark nothing but background"):
        check_files(segmentation(tmp_path), segmentation=True)
