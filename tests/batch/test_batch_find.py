"""Which files a batch takes, and what it calls their outputs."""

from __future__ import annotations

from vst.batch.find import RECORD, find_jobs


def names(jobs):
    return [job.name for job in jobs]


def test_media_are_found_by_extension_in_any_case_and_hidden_files_are_not(footage, tmp_path):
    assert names(find_jobs(footage, tmp_path / "out")) == [
        "a/deep/two.MP4",
        "a/one.mov",
        "b/photo.jpg",
    ]


def test_an_output_folder_within_the_source_is_not_read(footage):
    (footage / "painted").mkdir()
    (footage / "painted/one.mov").write_text("painted")
    assert "painted/one.mov" not in names(find_jobs(footage, footage / "painted"))
    assert "painted/one.mov" in names(find_jobs(footage, footage / "elsewhere"))


def test_the_output_folder_of_another_batch_is_not_read(footage):
    (footage / "painted").mkdir()
    (footage / "painted/one.mov").write_text("painted")
    (footage / "painted" / RECORD).write_text("{}")
    assert "painted/one.mov" not in names(find_jobs(footage, footage / "elsewhere"))


def test_a_container_that_cannot_be_written_becomes_one_that_can(footage, tmp_path):
    (footage / "a/tape.ts").write_text("tape")
    (footage / "a/scan.bmp").write_text("scan")
    jobs = find_jobs(footage, tmp_path / "out")
    assert {"a/tape.mkv", "a/scan.png"} <= set(names(jobs))


def test_no_two_outputs_have_one_name(footage, tmp_path):
    for name in ("tape.ts", "tape.mkv"):
        (footage / "a" / name).write_text("tape")
    jobs = find_jobs(footage, tmp_path / "out")
    outputs = {job.source.name: job.name for job in jobs}
    assert outputs["tape.mkv"] == "a/tape.mkv"
    assert outputs["tape.ts"] == "a/tape.ts.mkv"


def test_numbered_pictures_are_single_ones_and_it_is_said_how_to_make_them_a_clip(
    footage, tmp_path, caplog
):
    for number in range(30):
        (footage / f"b/shot.{number:04d}.exr").write_text("frame")
        (footage / f"a/IMG_{number * 7}.jpg").write_text("photograph")
    found = names(find_jobs(footage, tmp_path / "out"))
    assert sum(name.startswith("b/shot.") for name in found) == 30
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"{footage}/b/shot.%04d.exr are 30 pictures, each painted by itself; if they are the frames of a "
        "clip, 'vst render' of that pattern paints them as one"
    ]
