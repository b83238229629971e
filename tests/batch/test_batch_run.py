"""A batch renders what is not done, goes on after a failure, and ends when asked."""

from __future__ import annotations

import json
import threading

import pytest

from vst.batch import State, Watcher, run
from vst.errors import MediaError, UsageError
from vst.pipeline import RenderSettings

CANDY = RenderSettings(style="candy")


def states(results):
    return {result.job.name: result.state for result in results}


def test_the_structure_and_the_names_are_kept(footage, tmp_path, fake_render):
    results = run(footage, tmp_path / "out", CANDY)
    assert states(results) == {
        "a/deep/two.MP4": State.DONE,
        "a/one.mov": State.DONE,
        "b/photo.jpg": State.DONE,
    }
    assert (tmp_path / "out/a/deep/two.MP4").read_text() == "A/DEEP/TWO.MP4"
    assert not (tmp_path / "out/b/notes.txt").exists()


def test_what_is_done_is_skipped(footage, tmp_path, fake_render):
    run(footage, tmp_path / "out", CANDY)
    fake_render.calls.clear()
    results = run(footage, tmp_path / "out", CANDY)
    assert set(states(results).values()) == {State.SKIPPED}
    assert fake_render.calls == []


def test_only_what_changed_is_rendered_again_and_only_if_allowed(footage, tmp_path, fake_render, touch):
    run(footage, tmp_path / "out", CANDY)
    fake_render.calls.clear()
    touch(footage / "a/one.mov", "changed")
    results = run(footage, tmp_path / "out", CANDY)
    assert states(results)["a/one.mov"] is State.FAILED
    assert "-y replaces it" in next(r.message for r in results if r.state is State.FAILED)
    results = run(footage, tmp_path / "out", RenderSettings(style="candy", overwrite=True))
    assert fake_render.names == ["one.mov"]
    assert states(results)["a/one.mov"] is State.DONE
    assert (tmp_path / "out/a/one.mov").read_text() == "CHANGED"


@pytest.mark.parametrize("other", [{"style": "wave"}, {"style": "candy", "quality": "fast"}])
def test_other_settings_make_everything_out_of_date(footage, tmp_path, fake_render, other):
    run(footage, tmp_path / "out", CANDY)
    fake_render.calls.clear()
    results = run(footage, tmp_path / "out", RenderSettings(**other, overwrite=True))
    assert set(states(results).values()) == {State.DONE}


def test_a_style_scale_reaches_the_render_and_makes_another_one_out_of_date(footage, tmp_path, fake_render):
    broad = RenderSettings(style="candy", style_scale=2, overwrite=True)
    run(footage, tmp_path / "out", CANDY)
    assert set(states(run(footage, tmp_path / "out", broad)).values()) == {State.DONE}
    assert [settings.style_scale for _, settings in fake_render.calls] == [None] * 3 + [2] * 3
    assert set(states(run(footage, tmp_path / "out", broad)).values()) == {State.SKIPPED}


def test_the_number_of_threads_makes_nothing_out_of_date(footage, tmp_path, fake_render):
    run(footage, tmp_path / "out", CANDY)
    results = run(footage, tmp_path / "out", RenderSettings(style="candy", threads=3))
    assert set(states(results).values()) == {State.SKIPPED}


def test_an_output_that_was_changed_by_hand_is_not_taken_for_ours(footage, tmp_path, fake_render, touch):
    run(footage, tmp_path / "out", CANDY)
    touch(tmp_path / "out/a/one.mov", "retouched")
    results = run(footage, tmp_path / "out", CANDY)
    assert states(results)["a/one.mov"] is State.FAILED
    assert (tmp_path / "out/a/one.mov").read_text() == "retouched"


def test_a_lost_output_is_rendered_again(footage, tmp_path, fake_render):
    run(footage, tmp_path / "out", CANDY)
    (tmp_path / "out/a/one.mov").unlink()
    fake_render.calls.clear()
    run(footage, tmp_path / "out", CANDY)
    assert fake_render.names == ["one.mov"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 1, "outputs": [1]}', '{"format": 9, "outputs": {}}']
)
def test_a_damaged_record_counts_for_nothing(footage, tmp_path, fake_render, text):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.vst-batch.json").write_text(text)
    assert set(states(run(footage, tmp_path / "out", CANDY)).values()) == {State.DONE}
    assert set(states(run(footage, tmp_path / "out", CANDY)).values()) == {State.SKIPPED}


def test_a_failure_does_not_stop_the_others(footage, tmp_path, fake_render):
    (footage / "a/one.mov").write_text("broken")
    (footage / "b/photo.jpg").write_text("surprise")
    results = run(footage, tmp_path / "out", CANDY)
    assert [(result.job.name, result.state, result.message) for result in results] == [
        ("a/deep/two.MP4", State.DONE, ""),
        ("a/one.mov", State.FAILED, f"{footage / 'a/one.mov'} is broken"),
        ("b/photo.jpg", State.FAILED, "internal error (ZeroDivisionError: by zero)"),
    ]


def test_a_change_of_container_is_said(footage, tmp_path, fake_render):
    (footage / "tape.ts").write_text("tape")
    results = {result.job.name: result for result in run(footage, tmp_path / "out", CANDY)}
    assert results["tape.mkv"].state is State.DONE
    assert results["tape.mkv"].message == "written as .mkv, because .ts cannot be written"
    assert results["a/one.mov"].message == ""


def test_what_failed_is_tried_again(footage, tmp_path, fake_render, touch):
    (footage / "a/one.mov").write_text("broken")
    run(footage, tmp_path / "out", CANDY)
    touch(footage / "a/one.mov", "mended")
    fake_render.calls.clear()
    results = run(footage, tmp_path / "out", CANDY)
    assert fake_render.names == ["one.mov"]
    assert states(results)["a/one.mov"] is State.DONE


@pytest.fixture
def torn(footage, tmp_path, fake_render):
    """Runs a batch in which `a/one.mov` breaks off; gives the names of its parts, and what is said."""
    (footage / "a/one.mov").write_text("torn")

    def run_again(settings=CANDY):
        results = run(footage, tmp_path / "out", settings)
        (said,) = [each.message for each in results if each.job.name == "a/one.mov"]
        return sorted(each.name for each in (tmp_path / "out/a").glob("one*")), said

    return run_again


def test_a_repetition_replaces_what_was_left_of_a_clip_that_breaks_off(tmp_path, torn, touch):
    part = tmp_path / "out/a/one.incomplete.mov"
    for _ in range(3):
        names, said = torn()
        assert names == [part.name]
        assert said.endswith(f"the rest is in {part}")
        assert part.read_text() == "TORN"


def test_a_part_that_is_not_ours_is_never_touched(tmp_path, torn, touch):
    other = tmp_path / "out/a/one.incomplete.mov"
    other.parent.mkdir(parents=True)
    other.write_text("precious")
    for _ in range(2):
        names, said = torn()
        assert names == ["one-2.incomplete.mov", other.name]
        assert said.endswith("one-2.incomplete.mov")
    touch(tmp_path / "out/a/one-2.incomplete.mov", "retouched")
    overwriting = RenderSettings(style="candy", overwrite=True)
    for _ in range(2):
        assert torn(overwriting)[0] == ["one-2.incomplete.mov", "one-3.incomplete.mov", other.name]
    assert other.read_text() == "precious"
    assert (tmp_path / "out/a/one-2.incomplete.mov").read_text() == "retouched"


def test_a_part_of_another_source_or_style_is_replaced_only_when_asked(footage, torn, touch):
    torn()
    names, _ = torn(RenderSettings(style="wave"))
    assert names == ["one-2.incomplete.mov", "one.incomplete.mov"]
    touch(footage / "a/one.mov", "torn again")
    names, said = torn(RenderSettings(style="wave", overwrite=True))
    assert names == ["one-2.incomplete.mov", "one.incomplete.mov"]
    assert said.endswith("one-2.incomplete.mov")


@pytest.mark.parametrize("name", ["mine.mov", "../b/photo.jpg", "", "..", 7, "x\0.incomplete.mov"])
def test_a_record_cannot_name_another_file_as_a_part(tmp_path, torn, name):
    torn()
    other = tmp_path / "out/a/mine.mov"
    other.write_text("precious")
    if name == "../b/photo.jpg":
        other = tmp_path / "out/b/photo.jpg"
    before, found = other.read_text(), other.stat()
    record = tmp_path / "out/.vst-batch.json"
    said = json.loads(record.read_text())
    said["incomplete"]["a/one.mov"].update(file=name, output=[found.st_size, found.st_mtime_ns])
    record.write_text(json.dumps(said))
    names, _ = torn(RenderSettings(style="candy", overwrite=True))
    assert names == ["one-2.incomplete.mov", "one.incomplete.mov"]
    assert other.read_text() == before


def test_asked_to_stop_nothing_new_is_begun_and_what_is_done_stays_done(footage, tmp_path, fake_render):
    fake_render.stop_in = "one.mov"
    results = run(footage, tmp_path / "out", CANDY, stop=threading.Event())
    assert states(results) == {
        "a/deep/two.MP4": State.DONE,
        "a/one.mov": State.STOPPED,
        "b/photo.jpg": State.STOPPED,
    }
    assert "photo.jpg" not in fake_render.names
    fake_render.stop_in = None
    again = run(footage, tmp_path / "out", CANDY)
    assert states(again)["a/deep/two.MP4"] is State.SKIPPED
    assert states(again)["a/one.mov"] is State.DONE


def test_the_watcher_hears_of_everything(footage, tmp_path, fake_render):
    heard = []

    class Ear(Watcher):
        def started(self, jobs):
            heard.append(("started", len(jobs)))

        def progressed(self, job, progress):
            heard.append((job.name, progress.frame))

        def finished(self, result):
            heard.append((result.job.name, str(result.state)))

    run(footage, tmp_path / "out", CANDY, watcher=Ear())
    assert heard[:3] == [("started", 3), ("a/deep/two.MP4", 1), ("a/deep/two.MP4", "done")]
    assert len(heard) == 7


def test_settings_that_no_file_can_be_rendered_with_are_refused_at_once(footage, tmp_path):
    with pytest.raises(UsageError, match="unknown mode"):
        run(footage, tmp_path / "out", RenderSettings(style="candy", mode="vtm"))
    with pytest.raises(UsageError, match="unknown style"):
        run(footage, tmp_path / "out", RenderSettings(style="no such style"))
    assert not (tmp_path / "out").exists()


def test_folders_that_cannot_be_meant_are_refused(footage, tmp_path, fake_render):
    with pytest.raises(UsageError, match="is the folder that is read"):
        run(footage, footage, CANDY)
    with pytest.raises(MediaError, match="does not exist"):
        run(tmp_path / "footgae", tmp_path / "out", CANDY)
    with pytest.raises(MediaError, match="is a file: give a folder"):
        run(footage / "a/one.mov", tmp_path / "out", CANDY)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MediaError, match="holds no video or picture"):
        run(tmp_path / "empty", tmp_path / "out", CANDY)
    with pytest.raises(UsageError, match="expected 1 or more"):
        run(footage, tmp_path / "out", CANDY, jobs=0)


def test_two_batches_into_one_folder_refuse_each_other(footage, tmp_path, fake_render):
    class Second(Watcher):
        def started(self, jobs):
            with pytest.raises(MediaError, match="out is being written by another batch: wait for it"):
                run(footage, tmp_path / "out", CANDY)

    results = run(footage, tmp_path / "out", CANDY, watcher=Second())
    assert set(states(results).values()) == {State.DONE}
    assert not list((tmp_path / "out").glob(".*lock*"))
