"""Which files a batch takes, and what it calls their outputs."""

from __future__ import annotations

from pathlib import Path

from vst.batch.find import RECORD, find_jobs


def same(path: Path) -> Path:
    return path


def to_mkv(path: Path) -> Path:
    return path.with_suffix(".mkv") if path.suffix == ".ts" else path


def names(jobs):
    return [job.name for job in jobs]


def test_media_are_found_by_extension_in_any_case_and_hidden_files_are_not(footage, tmp_path):
    assert names(find_jobs(footage, tmp_path / "out", same)) == [
        "a/deep/two.MP4",
        "a/one.mov",
        "b/photo.jpg",
    ]


def test_an_output_folder_within_the_source_is_not_read(footage):
    (footage / "painted").mkdir()
    (footage / "painted/one.mov").write_text("painted")
    assert "painted/one.mov" not in names(find_jobs(footage, footage / "painted", same))
    assert "painted/one.mov" in names(find_jobs(footage, footage / "elsewhere", same))


def test_the_output_folder_of_another_batch_is_not_read(footage):
    (footage / "painted").mkdir()
    (footage / "painted/one.mov").write_text("painted")
    (footage / "painted" / RECORD).write_text("{}")
    assert "painted/one.mov" not in names(find_jobs(footage, footage / "elsewhere", same))


def test_a_container_that_cannot_be_written_becomes_what_the_render_makes_of_it(footage, tmp_path):
    (footage / "a/tape.ts").write_text("tape")
    jobs = find_jobs(footage, tmp_path / "out", to_mkv)
    assert "a/tape.mkv" in names(jobs)


def test_no_two_outputs_have_one_name(footage, tmp_path):
    for name in ("tape.ts", "tape.mkv"):
        (footage / "a" / name).write_text("tape")
    jobs = find_jobs(footage, tmp_path / "out", to_mkv)
    outputs = {job.source.name: job.name for job in jobs}
    assert outputs["tape.mkv"] == "a/tape.mkv"
    assert outputs["tape.ts"] == "a/tape.ts.mkv"
