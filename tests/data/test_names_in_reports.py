"""What a report says of file names."""

import pytest

from augfpn.data.annotations import check_annotations


@pytest.mark.parametrize("name", ["three.png", "./three.png", "a/../three.png"])
def test_a_file_that_is_listed_twice_is_reported(small_coco, name):
    small_coco["images"][0]["file_name"] = name
    assert "1 file listed more than once: three.png." in check_annotations(small_coco, "a")[1]


def test_control_characters_do_not_reach_the_report(small_coco):
    small_coco["images"][2]["file_name"] = "a\x1b[2Jb\n.png"
    clean, report = check_annotations(small_coco, "a.json")
    assert "\\x1b[2Jb\\n.png" in report[0]
    assert clean["images"][2]["file_name"] == "a\x1b[2Jb\n.png"
