"""Both kinds of motion source, an estimator and a recorded folder, behind one interface."""

from __future__ import annotations

import os
from fractions import Fraction

import pytest
import torch

from tests.conftest import flow_checkpoint
from vst.errors import MediaError, UsageError
from vst.frame import Frame
from vst.motion import EstimatedMotion, create_estimator, open_motion, shots, track
from vst.motion.files.flow_folder import FlowWriter, file_fingerprint
from vst.motion.files.recorded import RecordedMotion
from vst.motion.imported.flow_weights import import_weights

COUNT, CUT = 8, 4
WIDTH, HEIGHT = 96, 64
DISTANCES = (1, 2)


@pytest.fixture
def frames(make_world):
    """Eight frames with a moving disc and a cut before the fifth."""
    worlds = [
        make_world(disc=lambda t: (-30.0 + 6 * t, 0.0, 15.0), height=HEIGHT, width=WIDTH),
        make_world(camera=lambda t: (0.0, 2.0 * t, 1.0), height=HEIGHT, width=WIDTH, seed=5),
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
def open_source(clip):
    """Opens the source of a value of `--flow`."""

    def open_named(name):
        return open_motion(
            name,
            clip=clip,
            size=(WIDTH, HEIGHT),
            frames=COUNT,
            device=torch.device("cpu"),
            precision=torch.float32,
        )

    return open_named


@pytest.fixture
def flow_folder(tmp_path, clip, frames, open_source):
    """The motion of the frames, written to a folder."""
    folder = tmp_path / "flows"
    with FlowWriter(folder, "flo") as writer:
        for analysed in open_source("dis").analyse(frames, DISTANCES):
            writer.add(analysed)
        writer.finish("dis", DISTANCES, file_fingerprint(clip))
    return folder


def same_motions(one, other):
    """Whether two lists of `Tracked` have equal shots and motions."""
    return all(
        a.new_shot == b.new_shot
        and list(a.motions) == list(b.motions)
        and all(torch.equal(a.motions[d].flow, b.motions[d].flow) for d in a.motions)
        and all(torch.equal(a.motions[d].mask, b.motions[d].mask) for d in a.motions)
        for a, b in zip(one, other, strict=True)
    )


def test_a_name_opens_an_estimator_or_a_recorded_folder(open_source, flow_folder):
    estimated, recorded = open_source("dis"), open_source(f"file:{flow_folder}")
    assert isinstance(estimated, EstimatedMotion)
    assert isinstance(recorded, RecordedMotion)
    assert (estimated.name, recorded.name) == ("dis", f"file:{flow_folder}")
    assert (estimated.notes, recorded.notes) == ((), ())


def test_auto_has_the_name_of_the_estimator_that_it_chose(open_source):
    assert open_source("auto").name == "dis"


def test_unknown_estimators_and_missing_folders_are_refused(open_source, tmp_path):
    with pytest.raises(UsageError, match="did you mean 'dis'"):
        open_source("diss")
    with pytest.raises(MediaError, match="does not exist"):
        open_source(f"file:{tmp_path / 'nothing'}")


def test_both_sources_detect_the_cut_and_give_the_same_motion(open_source, flow_folder, frames):
    direct = list(track(shots(frames), create_estimator("dis"), DISTANCES))
    estimated = list(open_source("dis").track(frames, DISTANCES))
    recorded = list(open_source(f"file:{flow_folder}").track(frames, DISTANCES))
    assert [t for t, each in enumerate(direct) if each.new_shot] == [0, CUT]
    assert any(2 in each.motions for each in direct)
    assert same_motions(estimated, direct)
    assert same_motions(recorded, direct)


def test_only_an_estimator_gives_the_estimates_behind_the_motion(open_source, flow_folder, frames):
    estimated = list(open_source("dis").analyse(frames, DISTANCES))
    recorded = list(open_source(f"file:{flow_folder}").analyse(frames, DISTANCES))
    assert all(list(each.pairs) == list(each.tracked.motions) for each in estimated)
    assert all(not each.pairs for each in recorded)
    assert same_motions([each.tracked for each in recorded], [each.tracked for each in estimated])


def test_only_recorded_motion_knows_the_shots_before_it_sees_frames(open_source, flow_folder):
    recorded = open_source(f"file:{flow_folder}")
    assert [recorded.first_of_shot(t) for t in (0, CUT - 1, CUT, COUNT - 1)] == [0, 0, CUT, CUT]
    assert open_source("dis").first_of_shot(CUT) is None
    (flow_folder / "flow.json").unlink()
    assert open_source(f"file:{flow_folder}").first_of_shot(CUT) is None


def test_the_tracker_of_an_estimator_follows_one_shot_frame_by_frame(open_source, frames):
    tracker = open_source("dis").tracker()
    whole = list(open_source("dis").pairs((frame, frame.index == 0) for frame in frames[:CUT]))
    for frame, paired in zip(frames[:CUT], whole, strict=True):
        pair = tracker.advance(frame.image)
        assert (pair is None) == (paired.pair is None)
        if pair is not None:
            assert torch.equal(pair.backward, paired.pair.backward)
            assert torch.equal(pair.forward, paired.pair.forward)


def test_a_tracker_continues_exactly_from_a_snapshot(open_source, frames):
    first, second = open_source("dis").tracker(), open_source("dis").tracker()
    first.advance(frames[0].image)
    second.advance(frames[2].image)
    second.restore(first.snapshot())
    assert torch.equal(second.advance(frames[1].image).backward, first.advance(frames[1].image).backward)
    second.restore(())
    assert second.advance(frames[1].image) is None


def test_recorded_motion_refuses_a_tracker(open_source, flow_folder):
    with pytest.raises(UsageError, match=r"'file:.*flows' is the motion of one clip") as caught:
        open_source(f"file:{flow_folder}").tracker()
    assert "\n" not in str(caught.value)


def test_the_digest_of_an_estimator_changes_with_its_weights(small_flow_networks, tmp_path, open_source):
    import_weights("pwcnet", flow_checkpoint(tmp_path / "one.pth", "pwcnet"))
    first = open_source("pwcnet").digest()
    assert open_source("pwcnet").digest() == first
    checkpoint = torch.load(tmp_path / "one.pth", weights_only=True)
    checkpoint["state_dict"]["predict_flow2.bias"] += 1
    torch.save(checkpoint, tmp_path / "two.pth")
    import_weights("pwcnet", tmp_path / "two.pth")
    assert open_source("pwcnet").digest() != first
    assert open_source("dis").digest() == open_source("dis-fast").digest(), "neither has weights"


def test_the_digest_of_recorded_motion_changes_when_it_is_written_again(open_source, flow_folder):
    before = open_source(f"file:{flow_folder}").digest()
    assert open_source(f"file:{flow_folder}").digest() == before
    metadata = flow_folder / "flow.json"
    time = metadata.stat().st_mtime_ns + 1_000_000
    os.utime(metadata, ns=(time, time))
    assert open_source(f"file:{flow_folder}").digest() != before
