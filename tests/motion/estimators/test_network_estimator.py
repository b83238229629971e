"""A network as an estimator: any size, both directions, tiles, precision."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.conftest import flow_checkpoint
from vst.motion import create_estimator
from vst.motion.estimators.network_estimator import NetworkEstimator
from vst.motion.imported.flow_weights import import_weights

CPU = torch.device("cpu")


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


class Recorder:
    """A network that returns a constant flow and keeps its inputs."""

    def __init__(self, x: float = 0.0, y: float = 0.0) -> None:
        self.flow = torch.tensor([x, y]).view(1, 2, 1, 1)
        self.seen: list[tuple[Tensor, Tensor]] = []

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        self.seen.append((first, second))
        return self.flow.expand(len(first), 2, *first.shape[-2:])


class Resizing(NetworkEstimator):
    tile, overlap = 128, 64


class Padding(NetworkEstimator):
    multiple, min_side, padded = 8, 16, True


def local(first: Tensor, second: Tensor) -> Tensor:
    """A small network that depends on a few pixels around each."""
    kernel = torch.linspace(-1, 1, 2 * 6 * 25).view(2, 6, 5, 5)
    return F.conv2d(torch.cat((first, second), dim=1), kernel, padding=2)


@pytest.mark.parametrize("size", [(64, 64), (37, 51), (1, 1), (65, 130), (90, 63)])
@pytest.mark.parametrize("kind", [Resizing, Padding])
def test_networks_see_multiples_and_flow_has_the_size_of_the_frame(kind, size):
    network = Recorder(3.0, -2.0)
    flow = kind("x", network, CPU, torch.float32).estimate(picture(*size), picture(*size, 1))
    assert flow.shape == (2, *size)
    assert flow.dtype == torch.float32
    for first, _ in network.seen:
        assert all(side % kind.multiple == 0 and side >= kind.min_side for side in first.shape[-2:])


def test_resizing_scales_the_vectors():
    network = Recorder(64.0, 64.0)
    flow = Resizing("x", network, CPU, torch.float32).estimate(picture(48, 32), picture(48, 32))
    assert network.seen[0][0].shape[-2:] == (64, 64)
    torch.testing.assert_close(flow, torch.tensor([32.0, 48.0]).view(2, 1, 1).expand(2, 48, 32))


def test_padding_repeats_the_border_and_does_not_scale_the_vectors():
    network = Recorder(5.0, 6.0)
    image = picture(20, 16)
    flow = Padding("x", network, CPU, torch.float32).estimate(image, image)
    seen = network.seen[0][0][0]
    assert torch.equal(seen[:, 2:22], image)
    assert torch.equal(seen[:, 0], image[:, 0])
    assert torch.equal(seen[:, -1], image[:, -1])
    torch.testing.assert_close(flow, torch.tensor([5.0, 6.0]).view(2, 1, 1).expand(2, 20, 16))


def test_a_pair_is_one_batch_and_equals_two_calls():
    a, b = picture(48, 80, 1), picture(48, 80, 2)
    calls = []

    def network(first: Tensor, second: Tensor) -> Tensor:
        calls.append(len(first))
        return local(first, second)

    estimator = Resizing("x", network, CPU, torch.float32)
    forth, back = estimator.estimate_pair(a, b)
    assert calls == [2]
    torch.testing.assert_close(forth, estimator.estimate(a, b))
    torch.testing.assert_close(back, estimator.estimate(b, a))
    assert not torch.allclose(forth, back)


def test_a_large_frame_is_tiled_and_unchanged_away_from_seams():
    a, b = picture(64, 320, 1), picture(64, 320, 2)
    sizes = []

    def network(first: Tensor, second: Tensor) -> Tensor:
        sizes.append(first.shape[-1])
        return local(first, second)

    flow = Resizing("x", network, CPU, torch.float32).estimate(a, b)
    assert sizes == [128] * 4
    whole = local(a[None], b[None])[0]
    interior = torch.ones(320, dtype=torch.bool)
    for seam in (64, 128, 192, 256):
        interior[seam - 2 : seam + 2] = False
    torch.testing.assert_close(flow[..., interior], whole[..., interior], atol=1e-5, rtol=1e-5)


def test_whole_pictures_are_normalised_before_tiling():
    class Centred(Resizing):
        def _normalise(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
            return first - first.mean(), second - second.mean()

    network = Recorder()
    ramp = torch.linspace(0, 1, 256).expand(3, 64, 256)
    Centred("x", network, CPU, torch.float32).estimate(ramp, ramp)
    means = [float(first.mean()) for first, _ in network.seen]
    assert len(means) == 3
    assert means[0] < -0.2
    assert means[-1] > 0.2


def test_pictures_in_8_bits_and_in_floats_give_the_same_input():
    network = Recorder()
    estimator = Resizing("x", network, CPU, torch.float32)
    bytes_ = (picture(64, 64) * 255).round().to(torch.uint8)
    estimator.estimate(bytes_, bytes_)
    estimator.estimate(bytes_.float() / 255, 1 + bytes_.float())
    assert torch.equal(network.seen[0][0], network.seen[1][0])
    assert torch.equal(network.seen[1][1], torch.ones(1, 3, 64, 64)), "clamped"


def test_the_network_computes_in_the_given_precision():
    kinds = []

    def network(first: Tensor, second: Tensor) -> Tensor:
        out = local(first, second)
        kinds.append(out.dtype)
        return out

    for precision in (torch.float32, torch.bfloat16):
        flow = Resizing("x", network, CPU, precision).estimate(picture(64, 64), picture(64, 64))
        assert flow.dtype == torch.float32
    assert kinds == [torch.float32, torch.bfloat16]


@pytest.mark.parametrize(
    ("a", "b"),
    [((3, 8, 8), (3, 8, 9)), ((1, 8, 8), (1, 8, 8)), ((1, 3, 8, 8), (1, 3, 8, 8))],
)
def test_pictures_of_different_or_other_shapes_are_refused(a, b):
    estimator = Resizing("x", Recorder(), CPU, torch.float32)
    for call in (estimator.estimate, estimator.estimate_pair):
        with pytest.raises(ValueError, match=r"\(.*8, 8\)"):
            call(torch.zeros(a), torch.zeros(b))


@pytest.mark.parametrize("name", ["flownet2", "flownet2-c", "flownet2-sd", "pwcnet"])
def test_imported_networks_work_as_estimators(small_flow_networks, tmp_path, name):
    import_weights("pwcnet" if name == "pwcnet" else "flownet2", flow_checkpoint(tmp_path / "x.pth", name))
    estimator = create_estimator(name, device=CPU)
    assert estimator.name == name
    a, b = picture(45, 70, 1), picture(45, 70, 2)
    forth, back = estimator.estimate_pair(estimator.prepare(a), estimator.prepare(b))
    assert forth.shape == back.shape == (2, 45, 70)
    assert bool(torch.isfinite(forth).all())
    torch.testing.assert_close(
        back, estimator.estimate(estimator.prepare(b), estimator.prepare(a)), atol=1e-4, rtol=1e-4
    )
    again = create_estimator(name, device=CPU).estimate_pair(estimator.prepare(a), estimator.prepare(b))
    assert torch.equal(again[0], forth), "reproducible"
    rough = create_estimator(name, device=CPU, precision=torch.bfloat16).estimate(a, b)
    assert rough.dtype == torch.float32
    assert not torch.equal(rough, create_estimator(name, device=CPU).estimate(a, b))


def test_the_input_of_flownet2_is_centred(small_flow_networks, tmp_path):
    import_weights("flownet2", flow_checkpoint(tmp_path / "x.pth", "flownet2-s"))
    estimator = create_estimator("flownet2-s", device=CPU)
    a, b = picture(64, 64, 1) / 2, picture(64, 64, 2) / 2
    torch.testing.assert_close(
        estimator.estimate(a, b), estimator.estimate(a + 0.25, b + 0.25), atol=1e-4, rtol=1e-4
    )
