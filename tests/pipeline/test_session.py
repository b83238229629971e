"""A session owns a frame between decoding and encoding, and its state can be taken up exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import pytest
import torch

from tests.host.conftest import pan_with_disc
from tests.stylizers import Copy
from vst.errors import UsageError
from vst.frame import Frame
from vst.media import DecodedFrame
from vst.media.stills.read import DecodedImage
from vst.modes import create_stylizer
from vst.modes.registry import BUILT_IN
from vst.motion import EstimatedMotion, create_estimator
from vst.pipeline.session import StylizerSession
from vst.pipeline.snapshot_file import load_snapshot, save_snapshot
from vst.postprocess import Postprocess
from vst.styles import resolve_style

COUNT, CUT = 8, 5


def frames(count: int = COUNT, cut: int = CUT) -> list[Frame]:
    pictures = (
        torch.from_numpy(pan_with_disc(n, cut=cut)).permute(2, 0, 1).float() / 255 for n in range(count)
    )
    return [
        Frame(n, Fraction(n, 25), Fraction(1, 25), each.float() / 255) for n, each in enumerate(pictures)
    ]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make(tiny_weights) -> Callable[..., StylizerSession]:
    def make(mode: str, **options: object) -> StylizerSession:
        stylizer = create_stylizer(resolve_style("red", mode, weights_dir=tiny_weights))
        return StylizerSession(stylizer, EstimatedMotion(create_estimator("dis")), **options)

    return make


def images(session: StylizerSession, given) -> list[torch.Tensor]:
    return [frame.image for frame in session.process(given)]


@pytest.mark.parametrize("mode", BUILT_IN)
def test_frame_by_frame_gives_what_the_whole_shot_gives(make, mode):
    shot = frames(CUT)
    # What `advance` gives is not composed: the light is given back afterwards.
    whole = images(make(mode, postprocess=Postprocess(follow_light=False)), shot)
    session = make(mode)
    session.begin_shot()
    assert all(torch.equal(session.advance(frame), image) for frame, image in zip(shot, whole, strict=True))


@pytest.mark.parametrize("mode", BUILT_IN)
def test_a_snapshot_is_taken_up_exactly_by_another_session_also_from_a_file(make, mode, tmp_path):
    shot = frames(CUT)
    first, second = make(mode), make(mode)
    for frame in shot[:3]:
        first.advance(frame)
    state = first.snapshot()
    save_snapshot(tmp_path / "state", state)
    straight = [first.advance(frame) for frame in shot[3:]]
    second.advance(shot[0])  # what a session did before does not matter
    for given in (state, load_snapshot(tmp_path / "state")):
        second.restore(given)
        again = [second.advance(frame) for frame in shot[3:]]
        assert all(torch.equal(a, b) for a, b in zip(straight, again, strict=True))


@pytest.mark.parametrize("mode", ["vtn", "lstm"])
def test_state_starts_anew_at_a_cut(make, mode):
    clip = frames()
    assert torch.equal(images(make(mode), clip)[CUT], images(make(mode), clip[CUT : CUT + 1])[0])


@pytest.mark.parametrize("mode", ["vtn", "lstm"])
def test_a_temporal_mode_depends_on_the_frames_before(make, mode):
    shot = frames(CUT)
    session = make(mode)
    assert session.temporal
    assert not torch.equal(images(session, shot)[3], images(make(mode), shot[3:4])[0])


@pytest.mark.parametrize("mode", ["itn", "reconet"])
def test_other_modes_do_not(make, mode):
    shot = frames(CUT)
    session = make(mode)
    assert not session.temporal
    assert torch.equal(images(session, shot)[3], images(make(mode), shot[3:4])[0])


def decoded(frame: Frame, conversions: list[int]) -> DecodedFrame:
    def image() -> DecodedImage:
        conversions.append(frame.index)
        return DecodedImage(frame.image)

    return DecodedFrame(frame.index, frame.time, frame.duration, image)


def test_a_full_frame_waits_as_decoded_planes_and_is_converted_again():
    clip, conversions = frames(), []
    session = StylizerSession(Copy(), working=(32, 24))
    reduced = [session.reduce(decoded(frame, conversions)) for frame in clip]
    assert all(each.image.shape == (3, 24, 32) for each in reduced)
    assert all(isinstance(each.source, DecodedFrame) for each in reduced)
    stylized = session.stylized(session.prepare(reduced))
    for (prepared, output), frame in zip(stylized, clip, strict=True):
        finished = session.finish(prepared, output)
        assert finished.image.shape == frame.image.shape
        assert (finished.index, finished.time) == (frame.index, frame.time)
    assert conversions == [*range(COUNT), *range(COUNT)]


def test_a_frame_of_working_size_is_converted_once():
    clip, conversions = frames(), []
    list(StylizerSession(Copy()).process(decoded(frame, conversions) for frame in clip))
    assert conversions == list(range(COUNT))


def test_without_a_stylizer_frames_only_get_the_output_size():
    (small,) = StylizerSession(None, size=(32, 24)).process(frames(1))
    assert small.image.shape == (3, 24, 32)
    (same,) = StylizerSession(None).process(frames(1))
    assert torch.equal(same.image, frames(1)[0].image)


def test_at_strength_0_postprocessing_returns_the_frames():
    clip = frames(2)
    session = StylizerSession(Copy(), postprocess=Postprocess(strength=0.0))
    assert all(torch.equal(a, b.image) for a, b in zip(images(session, clip), clip, strict=True))


def test_a_stylizer_that_needs_a_whole_shot_is_refused():
    stylizer = Copy()
    stylizer.whole_shot = True
    with pytest.raises(UsageError, match="all frames of a shot at once"):
        StylizerSession(stylizer)


def test_a_fade_to_black_ends_black_and_one_to_white_white(make):
    shot = frames()
    for level in (0.0, 1.0):
        even = [Frame(f.index, f.time, f.duration, torch.full_like(f.image, level)) for f in shot[2:4]]
        faded = [*shot[:2], *even]
        for mode in BUILT_IN:
            last = images(make(mode), faded)[-1]
            assert (last - level).abs().max() < 1e-5, mode
            free = images(make(mode, postprocess=Postprocess(follow_light=False)), faded)[-1]
            assert (free - level).abs().max() > 0.1, mode
