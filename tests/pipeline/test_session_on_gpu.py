"""With a network on a GPU, frames stay there from motion to stylization, and come back for the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.pipeline.test_session import frames
from tests.pretended_gpu import DEVICE, PretendedGpu
from tests.stylizers import Copy
from vst.frame import Frame
from vst.keyframes import Schedule, engine_memory
from vst.modes import create_stylizer, device_for
from vst.modes.tiling import MemoryEstimate
from vst.motion import EstimatedMotion, create_estimator
from vst.pipeline.memory_estimate import predict_memory
from vst.pipeline.prepared_frame import PreparedFrame
from vst.pipeline.regions.region_stylizer import RegionStylizer
from vst.pipeline.session import StylizerSession
from vst.postprocess import Postprocess
from vst.styles import resolve_style

SCHEDULES = [Schedule(3), Schedule(3, look_ahead=False), Schedule(1)]


class OnGpu(Copy):
    """Stylizes on the GPU, up to a size whole."""

    device = DEVICE

    def __init__(self, largest: int = 10**6) -> None:
        super().__init__(conditioned=True)
        self.largest = largest
        self.devices: set[str] = set()

    def output(self, frame: Frame) -> Tensor:
        self.devices.add(frame.image.device.type)
        return 1 - super().output(frame)

    def memory(self, width: int, height: int) -> MemoryEstimate:
        return MemoryEstimate(0, 0, 0, 512 if width * height > self.largest else None)


def session(stylizer: Copy, schedule: Schedule, **options: object) -> StylizerSession:
    motion = EstimatedMotion(create_estimator("dis"))
    return StylizerSession(stylizer, motion, keyframes=schedule, **options)


def on_cpu() -> OnGpu:
    stylizer = OnGpu()
    stylizer.device = torch.device("cpu")
    return stylizer


def assert_alike(found: list[Tensor], wanted: list[Tensor]) -> None:
    assert {type(each) for each in found} == {Tensor}
    difference = (torch.stack(found) - torch.stack(wanted)).abs() * 255
    assert difference.mean() <= 0.5
    assert (difference.amax(1) <= 4).float().mean() >= 0.999


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
@pytest.mark.parametrize("working", [None, (40, 30)])
def test_frames_are_those_of_a_session_on_the_cpu(schedule, working):
    options = {"working": working, "postprocess": Postprocess(follow_light=True)}
    wanted = [frame.image for frame in session(on_cpu(), schedule, **options).process(frames())]
    stylizer = OnGpu()
    with PretendedGpu() as gpu:
        found = [frame.image for frame in session(stylizer, schedule, **options).process(frames())]
    assert stylizer.devices == {DEVICE.type}
    assert_alike(found, wanted)
    height, width = frames(1)[0].image.shape[-2:] if working is None else working[::-1]
    # The frame and its stylization; luma is for DIS.
    assert gpu.downloads.count(3 * height * width) == 2 * len(found)
    assert max(gpu.downloads) == 3 * height * width


class LeftHalf:
    """Masks: the left half has the first of two styles."""

    def attach_to(self, prepared: PreparedFrame) -> PreparedFrame:
        left = torch.zeros(prepared.frame.image.shape[-2:])
        left[:, : left.shape[1] // 2] = 1
        return replace(prepared, frame=replace(prepared.frame, shares=torch.stack((left, 1 - left)).half()))

    def limit(self, masks: tuple[Tensor, ...], clip: Tensor, stylized: Tensor) -> Tensor:
        return stylized


class Plain(OnGpu):
    """Another style."""

    def output(self, frame: Frame) -> Tensor:
        return frame.image


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_regions_are_mixed_on_the_gpu(schedule):
    def run(*parts: OnGpu) -> list[Tensor]:
        regions = session(RegionStylizer(parts), schedule, masks=LeftHalf())
        return [frame.image for frame in regions.process(frames())]

    on_cpus = on_cpu(), Plain()
    on_cpus[1].device = on_cpus[0].device
    wanted = run(*on_cpus)
    with PretendedGpu() as gpu:
        found = run(OnGpu(), Plain())
    assert_alike(found, wanted)
    assert max(gpu.downloads) == 3 * wanted[0].shape[1] * wanted[0].shape[2]


def test_frames_that_were_prepared_elsewhere_are_brought_to_the_gpu():
    shot = frames(5, cut=9)
    stylizer = OnGpu()
    prepared = list(
        session(on_cpu(), Schedule(3)).prepare(map(session(on_cpu(), Schedule(3)).reduce, shot))
    )
    wanted = [output for _, output in session(on_cpu(), Schedule(3)).stylized(prepared)]
    with PretendedGpu():
        found = list(session(stylizer, Schedule(3)).stylized(prepared))
    assert stylizer.devices == {DEVICE.type}
    assert_alike([output for _, output in found], wanted)
    assert {item.frame.image.device.type for item, _ in found} == {"cpu"}


def test_a_session_that_is_given_frame_by_frame_and_continues_from_a_snapshot():
    schedule = SCHEDULES[1]
    shot = frames(5, cut=9)
    whole = session(on_cpu(), schedule)
    wanted = [whole.advance(frame) for frame in shot]
    with PretendedGpu():
        first, second = (session(OnGpu(), schedule) for _ in range(2))
        found = [first.advance(frame) for frame in shot[:2]]
        state = first.snapshot()
        found += [first.advance(frame) for frame in shot[2:]]
        second.restore(state)
        again = [second.advance(frame) for frame in shot[2:]]
    assert_alike(found, wanted)
    assert all(torch.equal(one, other) for one, other in zip(again, found[2:], strict=True))


def test_frames_that_are_stylized_in_tiles_wait_in_main_memory():
    stylizer = OnGpu(largest=0)
    with PretendedGpu() as gpu:
        list(session(stylizer, Schedule(3)).process(frames()))
    assert stylizer.devices == {"cpu"}
    assert gpu.uploads == []


@pytest.mark.parametrize("mode", ["itn", "vtn", "lstm"])
def test_networks_return_frames_on_the_device_of_the_frame(tiny_weights, mode):
    stylizer = create_stylizer(resolve_style("red", mode, weights_dir=tiny_weights))
    assert device_for(stylizer, 64, 48) == torch.device("cpu")
    (frame,) = frames(1)
    wanted = stylizer.stylize(frame, None)
    stylizer.reset()
    with PretendedGpu():
        output = stylizer.stylize(replace(frame, image=frame.image.to(DEVICE)), None)
        assert output.device == DEVICE
        assert torch.equal(output.cpu(), wanted)


def test_a_stylizer_that_names_no_device_has_frames_on_the_cpu():
    assert device_for(Copy(), 64, 48) == torch.device("cpu")


def test_keyframes_take_the_memory_of_the_device_that_they_are_on():
    size, schedule = (1280, 720), Schedule(8)
    gpu, cpu = (
        predict_memory(stylizer, DEVICE, size, size, keyframes=schedule) for stylizer in (OnGpu(), on_cpu())
    )
    engine = engine_memory(schedule, *size, 16)
    assert gpu.device - cpu.device == cpu.main - gpu.main > engine
    assert gpu.least == gpu.device
