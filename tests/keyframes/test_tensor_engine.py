"""Keyframes on a GPU: the frames of the CPU, and nothing leaves the GPU between the networks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from tests.keyframes.test_keyframe_engine import Item, items
from tests.pretended_gpu import DEVICE, PretendedGpu
from tests.stylizers import Copy
from vst.frame import Frame, Past
from vst.keyframes import Schedule, create_engine
from vst.keyframes.array_operations import ARRAYS
from vst.keyframes.composed_flow import ComposedFlow, Reach
from vst.keyframes.link import Link
from vst.keyframes.operations import Operations
from vst.keyframes.tensor_operations import TensorOperations
from vst.motion import FlowPair
from vst.motion.estimators.dis import DisEstimator
from vst.synthetic import create_scene

TENSORS = TensorOperations(torch.device("cpu"))
SIZE = {"width": 162, "height": 98}
FRAMES = 12
SCHEDULES = {
    "both ways": Schedule(5),
    "forwards": Schedule(5, look_ahead=False),
    "every frame": Schedule(1),
}

schedules = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)


class Textured(Copy):
    """Keyframes that differ from each other, and pasts that can be seen in what comes after."""

    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        shape = (1, 3, *(side // 6 + 1 for side in frame.image.shape[-2:]))
        noise = torch.rand(shape, generator=torch.Generator().manual_seed(frame.index))
        texture = torch.nn.functional.interpolate(noise, frame.image.shape[-2:], mode="bicubic")[0]
        stylized = (1.2 * frame.image + 0.8 * texture.to(frame.image.device)).clamp(0, 2) - 1
        return stylized if past is None else stylized + 0.5 * past.trust * (past.image - stylized)


class Inferring(Textured):
    """Returns tensors that may not be changed in place, as networks do."""

    @torch.inference_mode()
    def stylize(self, frame: Frame, past: Past | None) -> Tensor:
        return super().stylize(frame, past)


def exact(name: str) -> list[Item]:
    return items(create_scene(name, **SIZE, frames=FRAMES))


def estimated(name: str) -> list[Item]:
    """A scene with noise, and flow that is estimated."""
    random, found = torch.Generator().manual_seed(0), []
    for item in exact(name):
        image = item.frame.image
        noisy = (image + 0.03 * torch.randn(image.shape, generator=random)).clamp(0, 1)
        found.append(replace(item, frame=replace(item.frame, image=noisy)))
    estimator, paired = DisEstimator(), found[:1]
    for earlier, current in pairwise(found):
        flows = estimator.estimate_pair(current.frame.image, earlier.frame.image)
        paired.append(replace(current, pair=FlowPair(*flows)))
    return paired


@pytest.fixture(scope="module", params=["exact flow", "estimated flow"])
def clip(request) -> list[Item]:
    return exact("crossing") if request.param == "exact flow" else estimated("hidden")


def stylize(
    frames: list[Item], schedule: Schedule, on: Operations | None = None, kind: type[Copy] = Textured
) -> list[Tensor]:
    engine = create_engine(kind(conditioned=True), schedule, on=on)
    return [(output + 1) / 2 for _, output in engine.stylize(frames)]


def assert_alike(one: list[Tensor], other: list[Tensor]) -> None:
    difference = (torch.stack(one) - torch.stack(other)).abs() * 255
    assert difference.mean() <= 0.5
    assert (difference.amax(1) <= 4).float().mean() >= 0.999


@schedules
def test_frames_are_those_of_the_cpu(clip, schedule):
    assert_alike(stylize(clip, schedule, TENSORS), stylize(clip, schedule))


@schedules
def test_what_networks_return_is_never_changed(clip, schedule):
    found = stylize(clip, schedule, TENSORS, Inferring)
    assert all(map(torch.equal, found, stylize(clip, schedule, TENSORS)))


def reaches(frames: list[Item], on: Operations) -> list[Reach]:
    luma = on.luma(frames[0].frame.image)
    composed, found = ComposedFlow(luma), []
    for item in frames[1:]:
        assert item.pair is not None
        step = Link.of(item.pair, on).backward
        found.append(composed.extend(on.luma(item.frame.image), step))
    return found


def test_what_is_trusted_is_the_same(clip):
    for a, b in zip(reaches(clip, TENSORS), reaches(clip, ARRAYS), strict=True):
        for name in ("trust", "usable"):
            one, other = getattr(a, name).numpy(), getattr(b, name)
            assert (one == other).mean() >= 0.998
            assert 0 < other.mean() < 1


@schedules
@pytest.mark.parametrize("after", range(1, FRAMES - 1, 3))
def test_a_run_that_continues_from_a_snapshot_gives_the_same_frames(clip, schedule, after):
    whole = stylize(clip, schedule, TENSORS)
    first = create_engine(Textured(conditioned=True), schedule, on=TENSORS)
    for number, _ in enumerate(first.stylize(clip), 1):
        if number == after:
            break
    again = create_engine(Textured(conditioned=True), schedule, on=TENSORS)
    again.restore(first.snapshot())
    assert len(again.snapshot()) == len(first.snapshot())
    assert again.needed_from is not None
    rest = [(output + 1) / 2 for _, output in again.stylize(clip[again.needed_from :])]
    assert len(rest) == FRAMES - after
    assert all(torch.equal(one, other) for one, other in zip(rest, whole[after:], strict=True))


def on_gpu(frames: list[Item]) -> list[Item]:
    moved = []
    for item in frames:
        pair = item.pair and FlowPair(item.pair.backward.to(DEVICE), item.pair.forward.to(DEVICE))
        moved.append(Item(replace(item.frame, image=item.frame.image.to(DEVICE)), pair))
    return moved


@schedules
@pytest.mark.parametrize("conditioned", [False, True])
def test_only_single_numbers_leave_the_gpu_between_networks(clip, schedule, conditioned, monkeypatch):
    # What follows older keyframes is on the CPU: the next test.
    monkeypatch.setattr("vst.keyframes.memory.KEPT", 0)
    with PretendedGpu() as gpu:
        frames = on_gpu(clip)
        gpu.downloads.clear()
        gpu.uploads.clear()
        engine = create_engine(Copy(conditioned), schedule)
        outputs = [output for _, output in engine.stylize(frames)]
        assert {output.device for output in outputs} == {DEVICE}
        assert set(gpu.downloads) == {1}
        assert len(gpu.downloads) <= 5 * len(frames)
        # The weights of one resampling, which are kept.
        assert set(gpu.uploads) <= {98 * (98 // 4), 162 * (162 // 4)}


def test_long_term_memory_copies_two_lumas_for_flow_alone(monkeypatch):
    with PretendedGpu() as gpu:
        frames = on_gpu(estimated("hidden"))
        gpu.downloads.clear()
        list(create_engine(Copy(conditioned=True), Schedule(4)).stylize(frames))
        large = [each for each in gpu.downloads if each > 1]
        assert large
        assert set(large) == {98 * 162}


@schedules
def test_a_gpu_continues_from_a_snapshot_that_is_on_the_cpu(clip, schedule):
    with PretendedGpu():
        frames = on_gpu(clip)
        engine = create_engine(Textured(conditioned=True), schedule)
        outputs = engine.stylize(frames)
        for _ in range(7):
            next(outputs)
        state = engine.snapshot()
        assert {part.device.type for part in state} == {"cpu"}
        again = create_engine(Textured(conditioned=True), schedule)
        again.restore(state)
        assert again.needed_from is not None
        rest = [output.cpu() for _, output in again.stylize(frames[again.needed_from :])]
    whole = stylize(clip, schedule, TENSORS)
    assert len(rest) == FRAMES - 7
    assert all(torch.equal((a + 1) / 2, b) for a, b in zip(rest, whole[7:], strict=True))
