"""A batch renders what is not up to date, continues after a failure, and stops on request."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from PIL import Image

import vst.batch.find
import vst.batch.runner
from vst.batch import FileState, Watcher, run
from vst.batch.find import LOCK_NAME
from vst.errors import MediaError, UsageError
from vst.pipeline import RenderSettings

CANDY = RenderSettings(style="candy")


def states(results):
    return {result.file.name: result.state for result in results}


def test_outputs_keep_the_structure_and_the_names(footage, tmp_path, fake_render):
    results = run(footage, tmp_path / "out", CANDY)
    assert states(results) == {
        "a/deep/two.MP4": FileState.DONE,
        "a/one.mov": FileState.DONE,
        "b/photo.jpg": FileState.DONE,
    }
    assert (tmp_path / "out/a/deep/two.MP4").read_text() == "A/DEEP/TWO.MP4"
    assert not (tmp_path / "out/b/notes.txt").exists()


def test_files_that_are_up_to_date_are_skipped(footage, tmp_path, fake_render):
    run(footage, tmp_path / "out", CANDY)
    fake_render.calls.clear()
    results = run(footage, tmp_path / "out", CANDY)
    assert set(states(results).values()) == {FileState.SKIPPED}
    assert fake_render.calls == []


def test_a_changed_file_is_rendered_again_only_with_overwrite(footage, tmp_path, fake_render, touch):
    run(footage, tmp_path / "out", CANDY)
    fake_render.calls.clear()
    touch(footage / "a/one.mov", "changed")
    results = run(footage, tmp_path / "out", CANDY)
    assert states(results)["a/one.mov"] is FileState.FAILED
    assert "-y replaces it" in next(r.message for r in results if r.state is FileState.FAILED)
    results = run(footage, tmp_path / "out", RenderSettings(style="candy", overwrite=True))
    assert fake_render.names == ["one.mov"]
    assert states(results)["a/one.mov"] is FileState.DONE
    assert (tmp_path / "out/a/one.mov").read_text() == "CHANGED"


@pytest.mark.parametrize("other", [{"style": "wave"}, {"style": "candy", "quality": "fast"}])
def test_other_settings_make_every_output_out_of_date(footage, tmp_path, fake_render, other):
    run(footage, tmp_path / "out", CANDY)
    fake_render.calls.clear()
    results = run(footage, tmp_path / "out", RenderSettings(**other, overwrite=True))
    assert set(states(results).values()) == {FileState.DONE}


def test_a_style_scale_reaches_the_render_and_another_one_makes_outputs_out_of_date(
    footage, tmp_path, fake_render
):
    broad = RenderSettings(style="candy", style_scale=2, overwrite=True)
    run(footage, tmp_path / "out", CANDY)
    assert set(states(run(footage, tmp_path / "out", broad)).values()) == {FileState.DONE}
    assert [settings.style_scale for _, settings in fake_render.calls] == [None] * 3 + [2] * 3
    assert set(states(run(footage, tmp_path / "out", broad)).values()) == {FileState.SKIPPED}


def test_another_number_of_threads_keeps_outputs_up_to_date(footage, tmp_path, fake_render):
    run(footage, tmp_path / "out", CANDY)
    results = run(footage, tmp_path / "out", RenderSettings(style="candy", threads=3))
    assert set(states(results).values()) == {FileState.SKIPPED}


def test_an_output_that_was_changed_by_hand_is_not_replaced(footage, tmp_path, fake_render, touch):
    run(footage, tmp_path / "out", CANDY)
    touch(tmp_path / "out/a/one.mov", "retouched")
    results = run(footage, tmp_path / "out", CANDY)
    assert states(results)["a/one.mov"] is FileState.FAILED
    assert (tmp_path / "out/a/one.mov").read_text() == "retouched"


def test_a_deleted_output_is_rendered_again(footage, tmp_path, fake_render):
    run(footage, tmp_path / "out", CANDY)
    (tmp_path / "out/a/one.mov").unlink()
    fake_render.calls.clear()
    run(footage, tmp_path / "out", CANDY)
    assert fake_render.names == ["one.mov"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 1, "outputs": [1]}', '{"format": 9, "outputs": {}}']
)
def test_a_damaged_record_is_ignored(footage, tmp_path, fake_render, text):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.vst-batch.json").write_text(text)
    assert set(states(run(footage, tmp_path / "out", CANDY)).values()) == {FileState.DONE}
    assert set(states(run(footage, tmp_path / "out", CANDY)).values()) == {FileState.SKIPPED}


def test_a_failure_does_not_stop_the_other_files(footage, tmp_path, fake_render):
    (footage / "a/one.mov").write_text("broken")
    (footage / "b/photo.jpg").write_text("surprise")
    results = run(footage, tmp_path / "out", CANDY)
    assert [(result.file.name, result.state, result.message) for result in results] == [
        ("a/deep/two.MP4", FileState.DONE, ""),
        ("a/one.mov", FileState.FAILED, f"{footage / 'a/one.mov'} is broken"),
        ("b/photo.jpg", FileState.FAILED, "internal error (ZeroDivisionError: by zero)"),
    ]


def test_a_file_in_the_place_of_a_folder_fails_what_belongs_there(footage, tmp_path, fake_render):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/b").write_text("in the way")
    results = run(footage, tmp_path / "out", CANDY)
    failed = {result.file.name: result.message for result in results if result.state is FileState.FAILED}
    assert failed == {"b/photo.jpg": f"cannot create folder {tmp_path / 'out/b'}: File exists"}


def test_a_change_of_container_is_reported(footage, tmp_path, fake_render):
    (footage / "tape.ts").write_text("tape")
    results = {result.file.name: result for result in run(footage, tmp_path / "out", CANDY)}
    assert results["tape.mkv"].state is FileState.DONE
    assert results["tape.mkv"].message == "written as .mkv, because .ts cannot be written"
    assert results["a/one.mov"].message == ""


def test_a_file_that_failed_is_rendered_again_by_the_next_batch(footage, tmp_path, fake_render, touch):
    (footage / "a/one.mov").write_text("broken")
    run(footage, tmp_path / "out", CANDY)
    touch(footage / "a/one.mov", "mended")
    fake_render.calls.clear()
    results = run(footage, tmp_path / "out", CANDY)
    assert fake_render.names == ["one.mov"]
    assert states(results)["a/one.mov"] is FileState.DONE


@pytest.fixture
def torn(footage, tmp_path, fake_render):
    """Runs a batch in which `a/one.mov` is torn; returns the names of its outputs, and the message."""
    (footage / "a/one.mov").write_text("torn")

    def run_again(settings=CANDY):
        results = run(footage, tmp_path / "out", settings)
        (message,) = [each.message for each in results if each.file.name == "a/one.mov"]
        return sorted(each.name for each in (tmp_path / "out/a").glob("one*")), message

    return run_again


def test_a_repeated_batch_replaces_its_incomplete_output(tmp_path, torn, touch):
    part = tmp_path / "out/a/one.incomplete.mov"
    for _ in range(3):
        names, message = torn()
        assert names == [part.name]
        assert message.endswith(f"the frames before are in {part}")
        assert part.read_text() == "TORN"


def test_an_incomplete_output_of_another_program_is_never_replaced(tmp_path, torn, touch):
    other = tmp_path / "out/a/one.incomplete.mov"
    other.parent.mkdir(parents=True)
    other.write_text("precious")
    for _ in range(2):
        names, message = torn()
        assert names == ["one-2.incomplete.mov", other.name]
        assert message.endswith("one-2.incomplete.mov")
    touch(tmp_path / "out/a/one-2.incomplete.mov", "retouched")
    overwriting = RenderSettings(style="candy", overwrite=True)
    for _ in range(2):
        assert torn(overwriting)[0] == ["one-2.incomplete.mov", "one-3.incomplete.mov", other.name]
    assert other.read_text() == "precious"
    assert (tmp_path / "out/a/one-2.incomplete.mov").read_text() == "retouched"


def test_an_incomplete_output_of_another_source_or_style_is_replaced_only_with_overwrite(
    footage, torn, touch
):
    torn()
    names, _ = torn(RenderSettings(style="wave"))
    assert names == ["one-2.incomplete.mov", "one.incomplete.mov"]
    touch(footage / "a/one.mov", "torn again")
    names, message = torn(RenderSettings(style="wave", overwrite=True))
    assert names == ["one-2.incomplete.mov", "one.incomplete.mov"]
    assert message.endswith("one-2.incomplete.mov")


@pytest.mark.parametrize("name", ["mine.mov", "../b/photo.jpg", "", "..", 7, "x\0.incomplete.mov"])
def test_a_record_cannot_name_another_file_as_an_incomplete_output(tmp_path, torn, name):
    torn()
    other = tmp_path / "out/a/mine.mov"
    other.write_text("precious")
    if name == "../b/photo.jpg":
        other = tmp_path / "out/b/photo.jpg"
    before, found = other.read_text(), other.stat()
    record = tmp_path / "out/.vst-batch.json"
    entries = json.loads(record.read_text())
    entries["incomplete"]["a/one.mov"].update(file=name, output=[found.st_size, found.st_mtime_ns])
    record.write_text(json.dumps(entries))
    names, _ = torn(RenderSettings(style="candy", overwrite=True))
    assert names == ["one-2.incomplete.mov", "one.incomplete.mov"]
    assert other.read_text() == before


def test_a_stopped_batch_starts_no_other_file_and_keeps_finished_outputs(footage, tmp_path, fake_render):
    fake_render.stop_in = "one.mov"
    results = run(footage, tmp_path / "out", CANDY, stop=threading.Event())
    assert states(results) == {
        "a/deep/two.MP4": FileState.DONE,
        "a/one.mov": FileState.STOPPED,
        "b/photo.jpg": FileState.STOPPED,
    }
    assert "photo.jpg" not in fake_render.names
    fake_render.stop_in = None
    again = run(footage, tmp_path / "out", CANDY)
    assert states(again)["a/deep/two.MP4"] is FileState.SKIPPED
    assert states(again)["a/one.mov"] is FileState.DONE


def test_the_watcher_receives_every_event(footage, tmp_path, fake_render):
    events = []

    class Recorder(Watcher):
        def left_out(self, left_out):
            events.append(sorted((each.name, str(each.reason)) for each in left_out))

        def started(self, files):
            events.append(("started", len(files)))

        def progressed(self, file, progress):
            events.append((file.name, progress.frame))

        def finished(self, result):
            events.append((result.file.name, str(result.state)))

    run(footage, tmp_path / "out", CANDY, watcher=Recorder())
    assert events[:4] == [
        [(".cache/", "hidden"), ("b/._one.mov", "hidden"), ("b/notes.txt", "text")],
        ("started", 3),
        ("a/deep/two.MP4", 1),
        ("a/deep/two.MP4", "done"),
    ]
    assert len(events) == 8


def test_settings_that_no_file_can_be_rendered_with_are_refused_at_the_start(footage, tmp_path):
    with pytest.raises(UsageError, match="unknown mode"):
        run(footage, tmp_path / "out", RenderSettings(style="candy", mode="vtm"))
    with pytest.raises(UsageError, match="unknown style"):
        run(footage, tmp_path / "out", RenderSettings(style="no such style"))
    assert not (tmp_path / "out").exists()


def test_invalid_folders_are_refused(footage, tmp_path, fake_render):
    with pytest.raises(UsageError, match="is the input folder"):
        run(footage, footage, CANDY)
    with pytest.raises(MediaError, match="does not exist"):
        run(tmp_path / "footgae", tmp_path / "out", CANDY)
    with pytest.raises(MediaError, match="is a file; give a folder"):
        run(footage / "a/one.mov", tmp_path / "out", CANDY)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MediaError, match="contains no video or picture that can be read: it is empty"):
        run(tmp_path / "empty", tmp_path / "out", CANDY)
    (tmp_path / "empty" / "notes.txt").write_text("x")
    with pytest.raises(MediaError, match=r"that can be read: text \(1\): notes\.txt"):
        run(tmp_path / "empty", tmp_path / "out", CANDY)
    with pytest.raises(UsageError, match="expected 1 or more"):
        run(footage, tmp_path / "out", CANDY, jobs=0)


def test_a_second_batch_into_the_same_folder_is_refused(footage, tmp_path, fake_render):
    class Second(Watcher):
        def started(self, files):
            with pytest.raises(MediaError, match="out is being written by another batch: wait for it"):
                run(footage, tmp_path / "out", CANDY)

    results = run(footage, tmp_path / "out", CANDY, watcher=Second())
    assert set(states(results).values()) == {FileState.DONE}
    assert not list((tmp_path / "out").glob(".*lock*"))


def test_a_codec_for_clips_is_not_given_to_pictures(footage, tmp_path, fake_render, caplog):
    (footage / "b/photo.jpg").unlink()
    Image.new("RGB", (8, 8)).save(footage / "b/photo.jpg", format="PPM")  # readable as text by the fake
    Image.new("RGB", (8, 8)).save(footage / "b/real.png")
    settings = RenderSettings(style="candy", codec="prores", crf=3, pix_fmt="yuv422p10le")
    results = {result.file.source.name: result for result in run(footage, tmp_path / "out", settings)}
    given = {source.name: each for source, each in fake_render.calls}
    assert (given["one.mov"].codec, given["one.mov"].crf) == ("prores", 3)
    picture = given["real.png"]
    assert (picture.codec, picture.crf, picture.pix_fmt) == (None, None, None)
    assert results["two.MP4"].file.name == "a/deep/two.mov"
    assert results["two.MP4"].message == "written as .mov: .mp4 cannot hold prores"
    assert "not for pictures; 2 of 4 files are pictures" in caplog.text


def test_a_pixel_format_of_pictures_reaches_them(footage, tmp_path, fake_render, caplog):
    Image.new("RGB", (8, 8)).save(footage / "b/real.png")
    run(footage, tmp_path / "out", RenderSettings(style="candy", pix_fmt="rgb48le"))
    assert {settings.pix_fmt for _, settings in fake_render.calls} == {"rgb48le"}
    assert "not for pictures" not in caplog.text


def test_a_folder_that_cannot_be_read_fails_and_the_rest_is_rendered(
    footage, tmp_path, fake_render, monkeypatch
):
    searched = vst.batch.find.search

    def search(*arguments):
        found = searched(*arguments)
        found.unreadable.append((Path("private"), "permission denied"))
        return found

    monkeypatch.setattr(vst.batch.find, "search", search)
    results = run(footage, tmp_path / "out", CANDY)
    assert [result.state for result in results] == [FileState.DONE] * 3 + [FileState.FAILED]
    assert (results[-1].file.name, results[-1].message) == (
        "private/",
        "the folder cannot be read: permission denied; check its access rights",
    )


def test_names_that_the_output_folder_does_not_distinguish_fail_but_for_the_first(
    footage, tmp_path, fake_render, monkeypatch
):
    (footage / "a/ONE.mov").write_text("other")
    assert set(states(run(footage, tmp_path / "out", CANDY)).values()) == {FileState.DONE}
    # Stands for a file system that ignores case: the lock exists under every spelling of its name.
    monkeypatch.setattr(vst.batch.runner, "LOCK_NAME", LOCK_NAME.upper())
    results = run(footage, tmp_path / "out2", CANDY)
    (failed,) = [result for result in results if result.state is FileState.FAILED]
    assert failed.file.name == "a/one.mov"
    assert "does not distinguish its name from that of a/ONE.mov" in failed.message


@pytest.mark.parametrize("gone", ["source", "output"])
def test_a_file_that_is_gone_after_its_render_does_not_end_the_batch(
    footage, tmp_path, fake_render, monkeypatch, gone
):
    def render(source, settings, output, **options):
        report = fake_render(source, settings, output, **options)
        if source.name == "one.mov":
            (source if gone == "source" else output).unlink()
        return report

    monkeypatch.setattr(vst.batch.runner, "render", render)
    results = {result.file.name: result for result in run(footage, tmp_path / "out", CANDY)}
    assert results["a/one.mov"].state is FileState.FAILED
    assert "one.mov is not there after the render" in results["a/one.mov"].message
    assert results["b/photo.jpg"].state is FileState.DONE
