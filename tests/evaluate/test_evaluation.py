"""A clip and its stylized versions measured together, from files."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from tests.clips import make_clip
from tests.sintel import FRAMES, HEIGHT, WIDTH, make_sintel, texture
from vst.errors import Interrupted, MediaError, UsageError
from vst.evaluate.evaluation import evaluate
from vst.evaluate.evaluation_settings import EvaluateSettings
from vst.evaluate.inputs import name_rows
from vst.evaluate.result import Evaluation

Write = Callable[[str, list[np.ndarray]], Path]


def flicker(pictures: list[np.ndarray], by: int) -> list[np.ndarray]:
    """Alternately brighter and darker."""
    return [
        (picture.astype(np.int16) + (by if t % 2 else -by)).clip(0, 255).astype(np.uint8)
        for t, picture in enumerate(pictures)
    ]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes frames without loss."""

    def make(name: str, pictures: list[np.ndarray]) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream("ffv1", rate=25)
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt = "bgr0"
            for picture in pictures:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="bgr0")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make


def settings(**options: object) -> EvaluateSettings:
    return EvaluateSettings(**{"device": "cpu", "second": "none", **options})


def means(found: Evaluation, metric: str = "E", reference: str | None = None) -> dict[str, float]:
    rows = found.under(reference or found.references[0])
    return {row.name: row.summary.mean[metric] for row in rows if metric in row.summary.mean}


def test_a_flickering_output_has_a_larger_error_than_its_baselines(
    write: Write,
) -> None:
    clip = write("clip.mkv", texture())
    steady = write("clip.vtn.mkv", texture())
    shaky = write("clip.itn.mkv", flicker(texture(), 12))
    found = evaluate(clip, [steady, shaky], settings(second="farneback"))
    assert (found.frames, found.width, found.height, found.cuts) == (FRAMES, WIDTH, HEIGHT, ())
    assert found.references == ("dis", "farneback")
    for reference in found.references:
        error = means(found, reference=reference)
        assert list(error) == ["input", "clip.vtn.mkv", "clip.itn.mkv", "blend", "paste", "still"]
        assert error["clip.vtn.mkv"] == error["input"]
        assert error["paste"] < error["blend"] < error["clip.itn.mkv"]
        assert error["still"] < 0.2 * error["clip.itn.mkv"]
    assert [row.kind for row in found.under("dis")] == ["input", "painting", "painting"] + 3 * ["baseline"]
    kinds = {name for row in found.rows for point in row.points for name in point.values}
    assert kinds >= {"E", "E_warp", "mse", "ssim", "gradient"}
    assert "content" not in kinds
    assert any("clip.itn.mkv, since its name contains itn" in note for note in found.notes)
    assert any("give --style" in note for note in found.notes)


def test_blend_needs_the_output_of_a_per_frame_mode_or_a_baseline_file(
    write: Write,
) -> None:
    clip, output = (
        write("clip.mkv", texture()),
        write("a.mkv", flicker(texture(), 5)),
    )
    found = evaluate(clip, [output], settings())
    assert list(means(found)) == ["input", "a.mkv", "paste", "still"]
    assert any("blend is left out" in note and "computed from a.mkv" in note for note in found.notes)
    base = write("b.mkv", flicker(texture(), 12))
    found = evaluate(clip, [output], settings(baseline=base))
    assert list(means(found)) == ["input", "a.mkv", "b.mkv", "blend", "paste", "still"]
    assert "blend, paste and still are computed from b.mkv" in found.notes
    found = evaluate(clip, [output], settings(baseline=output))
    assert list(means(found)) == ["input", "a.mkv", "blend", "paste", "still"]


def test_shots_are_detected_and_nothing_is_compared_across_a_cut(write: Write) -> None:
    clip = write("clip.mkv", texture(12, cut=6))
    found = evaluate(clip, [write("a.mkv", texture(12, cut=6))], settings())
    assert found.cuts == (6,)
    for row in found.rows:
        assert [point.shot for point in row.points] == [0] * 6 + [1] * 6
        assert [point.index for point in row.points if "E" not in point.values][:2] == [0, 6]


def test_the_worst_frames_are_kept_with_a_map_of_their_error(write: Write) -> None:
    pictures = texture(12)
    pictures[4] = pictures[4].copy()
    pictures[4][10:20, 30:40] = 255
    found = evaluate(write("clip.mkv", texture(12)), [write("a.mkv", pictures)], settings())
    worst = found.worst["a.mkv"]
    # The spot appears at frame 4 and disappears at frame 5: too near to each other to keep both.
    assert worst[0].index in (4, 5)
    assert all(abs(one.index - other.index) >= 5 for one in worst for other in worst if one is not other)
    assert [frame.error for frame in worst] == sorted((frame.error for frame in worst), reverse=True)
    where = worst[0].errors[0] > 0.2
    assert where[12:18, 32:38].float().mean() > 0.9
    assert not where[30:].any()


def test_reappearance_is_measured_under_the_first_estimator_only(write: Write) -> None:
    ground = cv2.resize(np.random.default_rng(3).random((10, 14, 3)), (96, 64)).clip(0, 1) * 160 + 20
    clip = []
    for t in range(8):
        picture = ground.copy()
        # It moves fast: what it hides is seen again a frame later.
        picture[16:48, 16 * (t % 6) : 16 * (t % 6) + 16] = (250, 30, 30)
        clip.append(picture.astype(np.uint8))
    creeping = [(picture * (1 - 0.1 * t)).astype(np.uint8) for t, picture in enumerate(clip)]
    source, output = write("clip.mkv", clip), write("a.mkv", creeping)
    found = evaluate(source, [output], settings(second="farneback"))
    back = means(found, "reappearance", "dis")
    assert set(back) == {"input", "a.mkv", "paste"}
    assert back["a.mkv"] != back["input"]
    assert not means(found, "reappearance", "farneback")
    (row,) = (row for row in found.under("dis") if row.name == "a.mkv")
    values = [point.values["reappearance"] for point in row.points if "reappearance" in point.values]
    assert min(values) <= back["a.mkv"] <= max(values)


def test_frames_are_compared_at_the_size_of_the_smallest_output_and_a_note_says_so(write: Write) -> None:
    clip = write("clip.mkv", texture(width=96))
    found = evaluate(
        clip,
        [write("a.mkv", texture()), write("b.mkv", texture(width=96))],
        settings(),
    )
    assert (found.width, found.height) == (WIDTH, HEIGHT)
    assert any(note.startswith("frames are compared at 64×48") for note in found.notes)
    found = evaluate(clip, [write("c.mkv", texture())], settings(size=32))
    assert (found.width, found.height) == (43, 32)


def test_an_output_of_another_aspect_ratio_is_refused(write: Write) -> None:
    square = [picture[:, :48] for picture in texture()]
    with pytest.raises(MediaError, match=r"b\.mkv is 48×48, another aspect ratio"):
        evaluate(write("clip.mkv", texture()), [write("b.mkv", square)], settings())


@pytest.mark.parametrize(
    ("clip", "output", "message"), [(8, 5, "b.mkv ends before the clip"), (5, 8, "a.mkv ends before b.mkv")]
)
def test_the_shortest_file_ends_the_evaluation_and_a_note_says_so(
    write: Write, clip: int, output: int, message: str
) -> None:
    found = evaluate(write("a.mkv", texture(clip)), [write("b.mkv", texture(output))], settings())
    assert found.frames == 5
    assert any(message in note and "5 frames are compared" in note for note in found.notes)
    limited = evaluate(write("a.mkv", texture(8)), [write("b.mkv", texture(8))], settings(frames=3))
    assert limited.frames == 3
    assert not any("ends before" in note for note in limited.notes)


def test_a_note_names_an_output_with_other_timestamps(tmp_path: Path) -> None:
    from fractions import Fraction

    even = make_clip(tmp_path / "a.mp4", frames=4)
    uneven = make_clip(tmp_path / "b.mp4", times=[Fraction(n, 25) for n in (0, 1, 5, 6)])
    found = evaluate(even, [uneven], settings())
    assert any("b.mp4 has other timestamps than the clip, first at frame 3" in note for note in found.notes)


def test_content_and_style_need_a_style_image_and_a_loss_network(
    write: Write, tmp_path: Path, pictures: Path, loss_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, output = write("clip.mkv", texture(5)), write("a.mkv", flicker(texture(5), 20))
    given = {"styles": ("red",), "style_images": pictures / "styles", "loss_every": 2}
    found = evaluate(clip, [output], settings(**given, loss_network=str(loss_folder)))
    (row,) = (row for row in found.rows if row.name == "a.mkv")
    assert [("style" in point.values) for point in row.points] == [True, False, True, False, True]
    assert row.summary.mean["content"] > 0
    assert "content" not in next(row for row in found.rows if row.name == "input").summary.mean
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "none"))
    found = evaluate(clip, [output], settings(**given))
    assert any("vst weights fetch vgg19" in note for note in found.notes)


def test_recorded_flow_can_be_the_reference_flow(write: Write, tmp_path: Path) -> None:
    from vst.pipeline import FlowSettings, follow_motion

    clip, output = (
        write("clip.mkv", texture(12, cut=6)),
        write("a.mkv", flicker(texture(12, cut=6), 8)),
    )
    follow_motion(clip, FlowSettings(flow="dis", form="flo", device="cpu"), folder=tmp_path / "flows")
    kept = evaluate(clip, [output], settings(flow=f"file:{tmp_path / 'flows'}"))
    fresh = evaluate(clip, [output], settings())
    assert kept.references == (f"file:{tmp_path / 'flows'}",)
    assert kept.cuts == (6,)
    # Another mask, the same flow.
    assert means(kept, "E_warp")["a.mkv"] == pytest.approx(means(fresh, "E_warp")["a.mkv"], rel=0.1)
    assert any("masks" in note for note in kept.notes)


@pytest.fixture
def sintel(tmp_path: Path) -> Path:
    """Two scenes in Sintel's layout."""
    return make_sintel(tmp_path / "data")


def test_on_a_sintel_scene_exact_flow_comes_first_and_occluded_pixels_do_not_count(
    sintel: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    output.mkdir()
    for t, picture in enumerate(texture(5)):
        picture = picture.copy()
        picture[:10] = 255 * (t % 2)  # only occluded pixels flicker
        Image.fromarray(picture).save(output / f"{t:03}.png")
    found = evaluate(sintel, [output], settings(scene="alley_9", second="auto"))
    assert found.references == ("exact", "dis")
    assert found.frames == 5
    error = means(found)
    assert error["input"] < 1e-8
    assert error["output"] < 1e-8
    assert error["still"] < 1e-8
    assert set(error) == {"input", "output", "paste", "still"}
    assert means(found, reference="dis")["output"] > 1e-4


def test_frames_without_an_occlusion_mask_have_no_exact_flow_and_a_note_says_so(
    sintel: Path, write: Write
) -> None:
    (sintel / "occlusions/alley_9/frame_0002.png").unlink()
    found = evaluate(sintel, [write("a.mkv", texture(5))], settings(scene="alley_9", second="auto"))
    (row,) = (row for row in found.under("exact") if row.name == "a.mkv")
    assert [("E" in point.values) for point in row.points] == [False, True, False, True, True]
    assert any("leaves out 1 pair of frames of alley_9" in note for note in found.notes)


def test_a_scene_must_be_named_where_there_are_several(sintel: Path, write: Write) -> None:
    output = write("a.mkv", texture(5))
    with pytest.raises(UsageError, match="give --scene with one of alley_9, cave_9"):
        evaluate(sintel, [output], settings())
    with pytest.raises(UsageError, match="did you mean 'alley_9'"):
        evaluate(sintel, [output], settings(scene="alley_8"))
    with pytest.raises(UsageError, match="is none"):
        evaluate(output, [output], settings(scene="alley_9"))
    (sintel / "clean/alley_9/frame_0003.png").unlink()
    with pytest.raises(MediaError, match=r"lacks frame_000[23]\.png or frame_000[34]\.png"):
        evaluate(sintel, [output], settings(scene="alley_9"))


def test_rows_are_named_by_file_or_by_path_where_names_are_equal() -> None:
    rows = name_rows([Path("x/a.mov"), Path("y/a.mov"), Path("b.mov"), Path("d/still")])
    assert list(rows) == ["x/a.mov", "y/a.mov", "b.mov", "d/still"]
    with pytest.raises(UsageError, match="two rows would be named"):
        name_rows([Path("a.mov"), Path("a.mov")])
    with pytest.raises(UsageError, match="two rows would be named"):
        name_rows([Path("input")])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"flow": "diss"}, "did you mean 'dis'"),
        ({"second": "farnback"}, "did you mean 'farneback'"),
        ({"second": "file:flows"}, "give recorded flow as --flow"),
        ({"styles": ("a.jpg", "b.jpg", "c.jpg")}, "3 styles for 1 outputs"),
        ({"styles": ("none.jpg",)}, "there is no picture none.jpg"),
    ],
)
def test_invalid_settings_are_refused(write: Write, options: dict[str, object], message: str) -> None:
    clip = write("clip.mkv", texture(2))
    with pytest.raises(UsageError, match=message):
        evaluate(clip, [clip], settings(**options))


@pytest.mark.parametrize(
    "options",
    [{"size": 8}, {"frames": 1}, {"loss_every": 0}, {"style_size": 1}, {"flow": "dis", "second": "dis"}],
)
def test_settings_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        EvaluateSettings(**options)


def test_a_folder_of_images_is_read_in_the_order_of_their_numbers(write: Write, tmp_path: Path) -> None:
    folder = tmp_path / "output"
    folder.mkdir()
    pictures = texture(12)
    for t, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{t + 1}.png")
    Image.new("RGB", (8, 8)).save(folder / "._1.png")
    (folder / "notes.txt").write_text("no picture")
    found = evaluate(write("clip.mkv", pictures), [folder], settings())
    assert found.frames == 12
    assert means(found)["output"] == means(found)["input"]


def test_a_folder_without_images_or_with_images_of_several_sizes_is_refused(
    write: Write, tmp_path: Path
) -> None:
    clip, folder = write("clip.mkv", texture(3)), tmp_path / "output"
    folder.mkdir()
    with pytest.raises(MediaError, match="output holds no image: expected a video, or a folder"):
        evaluate(clip, [folder], settings())
    for name, size in (("1.png", (64, 48)), ("2.png", (32, 24))):
        Image.new("RGB", size).save(folder / name)
    with pytest.raises(MediaError, match=r"2\.png is 32×24, the frames before it 64×48"):
        evaluate(clip, [folder], settings())


def test_an_image_and_a_clip_of_one_frame_are_refused(write: Write, tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "a.png")
    clip = write("clip.mkv", texture(3))
    with pytest.raises(MediaError, match=r"a\.png is a single image"):
        evaluate(clip, [tmp_path / "a.png"], settings())
    with pytest.raises(MediaError, match="have 1 frame in common"):
        evaluate(clip, [write("b.mkv", texture(1))], settings())


def test_stop_ends_after_the_current_frame(write: Write) -> None:
    stop = threading.Event()
    clip = write("clip.mkv", texture())
    with pytest.raises(Interrupted, match="stopped after 3 frames"):
        evaluate(
            clip, [clip], settings(), progress=lambda p: stop.set() if p.frame == 3 else None, stop=stop
        )


def test_every_value_is_a_number_that_json_can_express(write: Write) -> None:
    black = [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 4
    clip = write("clip.mkv", black)
    found = evaluate(clip, [clip], settings())
    for row in found.rows:
        json.dumps([dict(point.values) for point in row.points], allow_nan=False)
        json.dumps([dict(row.summary.mean), dict(row.summary.last_quarter)], allow_nan=False)
