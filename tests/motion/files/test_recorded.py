from __future__ import annotations

import json
import math
from fractions import Fraction

import pytest
import torch

from vst.errors import MediaError, UsageError
from vst.frame import Frame
from vst.motion import DISTANCES, check_estimator, create_estimator, shots, track, trusted_mask
from vst.motion.analysis import analyse
from vst.motion.files.flo import write_flo
from vst.motion.files.flow_folder import (
    FlowWriter,
    check_flow_folder,
    file_fingerprint,
    flow_path,
    read_flow_metadata,
)
from vst.motion.files.flow_png import write_mask_png
from vst.motion.files.recorded import RecordedMotion, find_flow_folder, flow_modification_time

COUNT = 12
CUT = 7
WIDTH, HEIGHT = 160, 120


@pytest.fixture
def frames(make_world):
    """Twelve frames with a moving disc, and a cut before the eighth."""
    worlds = [
        make_world(
            camera=lambda t: (3.0 * math.sin(t), 0.4 * t, 1.0), disc=lambda t: (-60.0 + 8 * t, 0.0, 25.0)
        ),
        make_world(camera=lambda t: (0.0, 2.0 * t, 1.0), seed=5),
    ]
    images = [worlds[t >= CUT].frame(t) * (0.5 if t >= CUT else 1.0) for t in range(COUNT)]
    return [Frame(t, Fraction(t, 25), Fraction(1, 25), image) for t, image in enumerate(images)]


@pytest.fixture
def clip(tmp_path):
    """A file in place of the clip: only its bytes are compared."""
    path = tmp_path / "clip.mov"
    path.write_bytes(b"a clip")
    return path


@pytest.fixture
def record(tmp_path, frames, clip):
    """Writes the motion of the frames and returns the folder."""

    def write(file_format="png", distances=DISTANCES, name="flows"):
        with FlowWriter(tmp_path / name, file_format) as writer:
            for analysed in analyse(shots(frames), create_estimator("dis"), distances):
                writer.add(analysed)
            writer.finish("dis", distances, file_fingerprint(clip))
        return tmp_path / name

    return write


def replay(folder, clip, frames, distances=DISTANCES, count=COUNT):
    height, width = frames[0].image.shape[-2:]
    return list(RecordedMotion(f"file:{folder}", clip, width, height, count).track(frames, distances))


def test_flo_files_reproduce_tracked_motion_bit_for_bit(record, clip, frames):
    direct = list(track(shots(frames), create_estimator("dis")))
    assert [t for t, each in enumerate(direct) if each.new_shot] == [0, CUT]
    assert any(max(each.motions, default=0) >= 4 for each in direct)
    again = replay(record("flo"), clip, frames)
    for expected, given in zip(direct, again, strict=True):
        assert given.frame is expected.frame
        assert given.new_shot == expected.new_shot
        assert list(given.motions) == list(expected.motions)
        for distance, motion in given.motions.items():
            assert motion.distance == distance
            assert torch.equal(motion.flow, expected.motions[distance].flow)
            assert torch.equal(motion.mask, expected.motions[distance].mask)


def test_png_files_reproduce_flow_to_a_128th_of_a_pixel_and_masks_exactly(record, clip, frames):
    direct = list(track(shots(frames), create_estimator("dis")))
    for expected, given in zip(direct, replay(record(), clip, frames), strict=True):
        assert list(given.motions) == list(expected.motions)
        for distance, motion in given.motions.items():
            assert (motion.flow - expected.motions[distance].flow).abs().max() <= 1 / 128 + 1e-5
            assert torch.equal(motion.mask, expected.motions[distance].mask)


def test_files_are_numbered_from_1_and_none_crosses_a_cut(record):
    folder = record("flo")
    inner = [n for n in range(1, COUNT + 1) if n not in (1, CUT + 1)]
    for kind, extension, numbers in (
        ("backward", "flo", inner),
        ("mask", "png", inner),
        ("forward", "flo", [n - 1 for n in inner]),
    ):
        names = sorted(path.name for path in (folder / kind).iterdir())
        assert names == [f"{n:06}.{extension}" for n in numbers]
    assert read_flow_metadata(folder).shots == (1, CUT + 1)


def test_motion_is_resized_to_the_frames(record, clip, frames):
    small = [
        Frame(each.index, each.time, each.duration, torch.zeros(3, HEIGHT // 2, WIDTH // 2))
        for each in frames
    ]
    whole, halved = replay(record(), clip, frames), replay(record(name="more"), clip, small)
    for full, half in zip(whole, halved, strict=True):
        assert list(half.motions) == list(full.motions)
        for distance, motion in half.motions.items():
            assert motion.flow.shape == (2, HEIGHT // 2, WIDTH // 2)
            assert motion.mask.shape == (1, HEIGHT // 2, WIDTH // 2)
            assert set(motion.mask.unique().tolist()) <= {0.0, 1.0}
            pooled = torch.nn.functional.avg_pool2d(full.motions[distance].flow, 2) / 2
            assert (motion.flow - pooled).abs().mean() < 0.02


def test_requested_distances_that_were_not_recorded_are_omitted_with_a_note(record, clip, frames):
    near = RecordedMotion(f"file:{record(distances=(1, 2))}", clip, WIDTH, HEIGHT, COUNT)
    assert {d for each in near.track(frames, DISTANCES) for d in each.motions} == {1, 2}
    assert near.notes == (
        f"{near.folder} contains no motion to 3, 5, 9, 17 frames back: nothing is measured over these",
    )
    far = RecordedMotion(f"file:{record(name='far')}", clip, WIDTH, HEIGHT, COUNT)
    assert {d for each in far.track(frames, (1,)) for d in each.motions} == {1}
    assert far.notes == ()


def test_a_start_within_the_clip_has_no_motion_to_earlier_frames(record, clip, frames):
    late = replay(record(), clip, frames[4:])
    assert late[0].new_shot
    assert all(max(each.motions, default=0) <= k for k, each in enumerate(late))


@pytest.mark.parametrize(
    ("path", "number"),
    [("backward/000004.png", 4), ("mask/000005.png", 5), ("backward-2/000006.png", 6)],
)
def test_a_missing_or_damaged_file_is_reported_with_its_frame(record, clip, frames, path, number):
    folder = record()
    data = (folder / path).read_bytes()
    (folder / path).write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaError, match=rf"frame {number} cannot be used: .*{path} is cut short"):
        replay(folder, clip, frames)
    (folder / path).unlink()
    with pytest.raises(MediaError, match=rf"frame {number} is missing: no .*{path}") as caught:
        replay(folder, clip, frames)
    assert "\n" not in str(caught.value)


def test_flow_of_another_aspect_ratio_is_refused(record, clip, frames):
    folder = record()
    with pytest.raises(MediaError, match=r"contains flow of 160×120, another aspect ratio than .* 160×90"):
        RecordedMotion(f"file:{folder}", clip, 160, 90, COUNT)
    write_flo(folder / "backward/000003.flo", torch.zeros(2, 120, 100))
    (folder / "backward/000003.png").unlink()
    with pytest.raises(
        MediaError, match=r"frame 3 has another aspect ratio .*000003\.flo is 100×120, .* 160×120"
    ):
        replay(folder, clip, frames)


def test_a_clip_of_another_length_is_refused_at_the_start_or_at_its_end(record, clip, frames):
    folder = record()
    more = [*frames, Frame(COUNT, Fraction(COUNT, 25), Fraction(1, 25), frames[-1].image)]
    with pytest.raises(MediaError, match=f"flow of {COUNT} frames, but the clip has a frame {COUNT + 1}"):
        replay(folder, clip, more)
    with pytest.raises(
        MediaError, match=f"flow of {COUNT} frames, but the clip ends with frame {COUNT - 1}"
    ):
        replay(folder, clip, frames[:-1])
    clip.write_bytes(b"another clip")
    with pytest.raises(MediaError, match=r"flow of 12 frames, clip\.mov has 300"):
        RecordedMotion(f"file:{folder}", clip, WIDTH, HEIGHT, 300)


def test_flow_of_another_file_of_the_same_aspect_ratio_is_used_with_a_note(record, clip, frames, tmp_path):
    folder = record()
    moved = tmp_path / "moved.mov"
    moved.write_bytes(clip.read_bytes())
    assert RecordedMotion(f"file:{folder}", moved, WIDTH, HEIGHT, COUNT).notes == ()
    moved.write_bytes(b"a proxy of it")
    proxy = RecordedMotion(f"file:{folder}", moved, WIDTH, HEIGHT, COUNT)
    assert proxy.notes == (f"the flow in {folder} was made from clip.mov, another file",)


def test_a_folder_of_another_program_has_adjacent_motion_with_masks_from_both_directions(
    tmp_path, clip, frames
):
    dis = create_estimator("dis")
    for kind in ("forward", "backward"):
        (tmp_path / "other" / kind).mkdir(parents=True)
    for t in range(1, COUNT):
        backward, forward = dis.estimate_pair(frames[t].image, frames[t - 1].image)
        write_flo(flow_path(tmp_path / "other", "backward", t + 1, "flo"), backward)
        write_flo(flow_path(tmp_path / "other", "forward", t, "flo"), forward)
    given = replay(tmp_path / "other", clip, frames)
    assert [t for t, each in enumerate(given) if each.new_shot] == [0, CUT]
    assert {d for each in given for d in each.motions} == {1}
    backward, forward = dis.estimate_pair(frames[3].image, frames[2].image)
    assert torch.equal(given[3].motions[1].flow, backward)
    seen = [(frames[t].image.clamp(0, 1) * 255).round() / 255 for t in (3, 2)]
    assert torch.equal(given[3].motions[1].mask, trusted_mask(forward, backward, *seen))
    (tmp_path / "other/forward/000005.flo").unlink()
    with pytest.raises(MediaError, match=r"frame 5 is missing: no .*forward/000005\.png \(or \.flo\)"):
        replay(tmp_path / "other", clip, frames)


def test_unknown_flow_is_not_trusted_even_if_the_mask_is_1(record, clip, frames):
    folder = record("flo")
    flow = torch.zeros(2, HEIGHT, WIDTH)
    flow[:, 10, 20] = torch.nan
    write_flo(folder / "backward/000003.flo", flow)
    write_mask_png(folder / "mask/000003.png", torch.ones(1, HEIGHT, WIDTH))
    motion = replay(folder, clip, frames)[2].motions[1]
    assert motion.flow.isfinite().all()
    assert motion.mask[0, 10, 20] == 0
    assert motion.mask.sum() == HEIGHT * WIDTH - 1


def test_motion_out_of_the_range_of_png_is_written_as_flo(tmp_path, record, clip, frames):
    analysed = list(analyse(shots(frames), create_estimator("dis"), (1,)))
    analysed[2].pairs[1][0][0, 0, 0] = 700.25
    with FlowWriter(tmp_path / "large") as writer:
        for each in analysed:
            writer.add(each)
        writer.finish("dis", (1,), file_fingerprint(clip))
    names = {path.name for path in (tmp_path / "large/backward").iterdir()}
    assert {"000002.png", "000003.flo", "000004.png"} <= names
    assert replay(tmp_path / "large", clip, frames)[2].motions[1].flow[0, 0, 0] == 700.25


def test_a_folder_may_contain_a_flow_folder_per_clip(record, clip, frames, tmp_path):
    folder = record()
    (tmp_path / "all").mkdir()
    folder.rename(tmp_path / "all" / "clip")
    assert find_flow_folder(f"file:{tmp_path / 'all'}", clip) == tmp_path / "all" / "clip"
    (tmp_path / "all" / "clip").rename(tmp_path / "all" / "clip.mov")
    assert find_flow_folder(f"file:{tmp_path / 'all'}", clip) == tmp_path / "all" / "clip.mov"
    with pytest.raises(
        MediaError, match=r"contains no flow for other\.mov: expected flow\.json or backward/000002"
    ):
        find_flow_folder(f"file:{tmp_path / 'all'}", tmp_path / "other.mov")


def test_a_missing_or_mistyped_folder_is_refused(tmp_path):
    (tmp_path / "flows").mkdir()
    with pytest.raises(UsageError, match="expected file:FOLDER"):
        check_estimator("file:")
    with pytest.raises(MediaError, match="flosw for --flow does not exist; did you mean flows"):
        check_estimator(f"file:{tmp_path / 'flosw'}")
    check_estimator(f"file:{tmp_path / 'flows'}")
    with pytest.raises(UsageError, match="is the motion of one clip"):
        create_estimator(f"file:{tmp_path / 'flows'}")


def test_the_modification_time_changes_when_flow_is_written_again(record, clip, tmp_path):
    name = f"file:{tmp_path / 'flows'}"
    assert flow_modification_time(name, clip) is None
    record()
    before = flow_modification_time(name, clip)
    assert before == flow_modification_time(name, clip)
    (tmp_path / "flows/flow.json").write_text("{}")
    assert flow_modification_time(name, clip) != before


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "nonsense", '{"format": 2}', '{"format": 1, "frames": -1}', "[" * 100_000],
)
def test_damaged_metadata_is_refused_by_name(record, clip, frames, content):
    folder = record()
    (folder / "flow.json").write_text(content)
    with pytest.raises(MediaError, match=r"flow\.json is damaged") as caught:
        replay(folder, clip, frames)
    assert "\n" not in str(caught.value)


def test_the_metadata_names_the_estimator_and_the_clip(record, clip):
    folder = record()
    metadata = json.loads((folder / "flow.json").read_text())
    assert (metadata["frames"], metadata["width"], metadata["height"]) == (COUNT, WIDTH, HEIGHT)
    assert (metadata["estimator"], metadata["distances"]) == ("dis", list(DISTANCES))
    assert (metadata["source"]["name"], metadata["source"]["bytes"]) == ("clip.mov", 6)
    kept = read_flow_metadata(folder)
    for distance, numbers in kept.further.items():
        names = {int(path.stem) for path in (folder / f"backward-{distance}").iterdir()}
        assert numbers == names


def test_a_block_that_raises_leaves_no_folder(tmp_path, frames):
    analysed = next(analyse(shots(frames), create_estimator("dis"), (1,)))

    def fail():
        with FlowWriter(tmp_path / "flows") as writer:
            writer.add(analysed)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_the_name_of_the_temporary_folder_is_reported_and_kept(tmp_path):
    taken = tmp_path / ".flows.vst-part"
    taken.write_text("mine")
    with pytest.raises(MediaError, match=r"\.flows\.vst-part is in the way: expected .*; move it away"):
        FlowWriter(tmp_path / "flows")
    assert taken.read_text() == "mine"


def test_flow_is_replaced_only_with_overwrite_and_other_files_never(record, tmp_path):
    folder = record()
    (folder / "forward/000099.png").write_bytes(b"old")
    with pytest.raises(MediaError, match="contains flow: pass -y"):
        FlowWriter(folder)
    record_again = FlowWriter(folder, overwrite=True)
    with record_again as writer:
        writer.finish("none", (1,), file_fingerprint(folder / "flow.json"))
    assert sorted(path.name for path in folder.iterdir()) == ["flow.json"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["flows"]
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(MediaError, match=r"contains other files \(notes\.txt\)"):
        check_flow_folder(folder, overwrite=True)
    (tmp_path / "other" / "forward").mkdir(parents=True)
    with pytest.raises(MediaError, match=r"contains other files \(forward\)"):
        check_flow_folder(tmp_path / "other", overwrite=True)
    with pytest.raises(MediaError, match="is a file"):
        check_flow_folder(folder / "notes.txt", overwrite=True)
    (tmp_path / "empty").mkdir()
    check_flow_folder(tmp_path / "empty", overwrite=False)
