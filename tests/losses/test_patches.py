"""The nearest patches of a painting, by hand and against a plain search."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from vst.losses.patches import match_patches, patch_energy


def random(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


def plain(features: torch.Tensor, painting: list[torch.Tensor], size: int, stride: int):
    """Matches and loss by the definition, with every patch written out."""
    half = size // 2
    own = F.unfold(F.pad(features, (half,) * 4, mode="replicate"), size, stride=stride)[0].T
    theirs = torch.cat([F.unfold(each, size, stride=stride)[0].T for each in painting])
    return F.normalize(own) @ F.normalize(theirs).T, own, theirs


def test_the_nearest_patch_has_the_largest_correlation_whatever_its_length():
    # The same direction at ten times the length; and one that is nearer in length, and turned.
    along, turned = torch.tensor([1.0, 2.0]), torch.tensor([2.0, 1.0])
    painting = torch.stack([10 * along, turned, -along, turned], dim=1).view(1, 2, 2, 2)
    picture = along.view(1, 2, 1, 1)
    found = match_patches(picture, [painting], size=1, stride=1)
    assert found.matches.tolist() == [[0]]
    torch.testing.assert_close(found.mean, 10 * picture)
    # ‖(1, 2) − (10, 20)‖² = 81 + 324
    assert float(found.distance(picture)) == pytest.approx(405)


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (2, 2), (5, 2)])
def test_matches_are_those_of_a_plain_search(size, stride):
    features, painting = random(1, 4, 9, 12), [random(1, 4, 10, 11, seed=1), random(1, 4, 7, 8, seed=2)]
    scores, _, theirs = plain(features, painting, size, stride)
    found = match_patches(features, painting, size, stride)
    best = scores.max(dim=1).values
    flat = torch.cat([each[0].flatten(1) for each in painting], dim=1)
    lengths = [11] * 110 + [8] * 56
    for score, place, row in zip(best, found.matches.flatten().tolist(), range(10**6), strict=False):
        columns = [place + y * lengths[place] + x for y in range(size) for x in range(size)]
        patch = flat[:, columns].flatten()
        expected = theirs[scores[row].argmax()]
        torch.testing.assert_close(patch, expected)
        assert float(score) == pytest.approx(float(scores[row].max()))


def test_the_loss_is_the_sum_over_all_patches():
    # Every patch is inside: the padding is cut off by comparing a picture with a wide constant border.
    features, painting = random(1, 3, 8, 8), [random(1, 3, 9, 9, seed=1)]
    found = match_patches(features, painting, 3, 1)
    scores, _, theirs = plain(features, painting, 3, 1)
    wanted = theirs[scores.argmax(dim=1)].view(8, 8, 3, 3, 3)
    total = 0.0
    for y in range(8):
        for x in range(8):
            for dy in range(3):
                for dx in range(3):
                    row, column = y + dy - 1, x + dx - 1
                    if 0 <= row < 8 and 0 <= column < 8:
                        difference = features[0, :, row, column] - wanted[y, x, :, dy, dx]
                        total += float(difference.square().sum())
    assert float(found.distance(features)) == pytest.approx(total / 64, rel=1e-4)


def test_chunks_give_what_the_whole_gives():
    features, painting = random(1, 4, 12, 12), [random(1, 4, 15, 13, seed=1)]
    whole = match_patches(features, painting)
    small = match_patches(features, painting, chunk_bytes=1)  # one patch at a time
    assert torch.equal(whole.matches, small.matches)
    assert torch.equal(whole.mean, small.mean)


def test_no_chunk_holds_more_than_it_may(monkeypatch):
    sizes = []
    convolve = F.conv2d

    def watched(padded, patches, **options):
        found = convolve(padded, patches, **options)
        sizes.append(4 * max(patches.numel(), found.numel()))
        return found

    monkeypatch.setattr("vst.losses.patches.F.conv2d", watched)
    match_patches(random(1, 4, 20, 20), [random(1, 4, 30, 30, seed=1)], chunk_bytes=10_000)
    assert len(sizes) > 5
    assert max(sizes) <= 10_000


def test_patches_that_are_not_wholly_the_paintings_are_left_out():
    picture = random(1, 4, 3, 3)
    painting = torch.zeros(1, 4, 3, 6)
    painting[..., 3:] = picture
    painting[..., :3] = random(1, 4, 3, 3, seed=1)
    valid = torch.ones(1, 1, 3, 6)
    valid[..., 4] = 0
    corner = match_patches(picture, [painting], 3, 1).matches[1, 1]
    assert int(corner) == 3
    assert int(match_patches(picture, [painting], 3, 1, valid=[valid]).matches[1, 1]) < 2


def test_a_picture_of_the_paintings_own_patches_has_no_loss_and_its_gradient_leads_there():
    painting = random(1, 4, 9, 9)
    found = match_patches(painting, [painting], 3, 1)
    inner = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    torch.testing.assert_close(found.mean[inner], painting[inner])
    near = (painting + 0.01 * random(1, 4, 9, 9, seed=3)).requires_grad_(True)
    (gradient,) = torch.autograd.grad(found.distance(near), near)
    expected = 2 * found.count * (near - found.mean) / found.patches
    torch.testing.assert_close(gradient, expected.detach())


def test_the_energy_is_that_of_a_patch():
    assert float(patch_energy(torch.full((1, 2, 4, 4), 3.0), 3)) == pytest.approx(9 * 2 * 9)


def test_a_picture_without_a_patch_that_counts_is_passed_over():
    features, painting = random(1, 3, 6, 6), [random(1, 3, 9, 9, seed=1), random(1, 3, 9, 9, seed=2)]
    nothing = torch.zeros(1, 1, 9, 9)
    found = match_patches(features, painting, valid=[nothing, None])
    assert (found.matches >= 81).all()
    torch.testing.assert_close(found.mean, match_patches(features, painting[1:]).mean)


def test_with_a_mask_places_count_as_much_as_it_says():
    features, painting = random(1, 3, 6, 6), [random(1, 3, 9, 9, seed=1)]
    found, left = match_patches(features, painting), torch.zeros(1, 1, 6, 6)
    left[..., :3] = 1
    parts = found.within(left).distance(features) + found.within(1 - left).distance(features)
    torch.testing.assert_close(parts, found.distance(features))
    inside = (found.count * (features - found.mean).square())[..., :3].sum() + found.spread[..., :3].sum()
    torch.testing.assert_close(found.within(left).distance(features), inside / found.patches)
