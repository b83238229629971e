"""Borders of one colour around the picture: letterbox, pillarbox and windowbox bars.

`look_at` finds them in one frame, `holds` says whether bars that were found before are still bars, and
`follow` joins both to the borders of a shot: decided at the first frame that shows something, then only
taken back.

A border is a pair of bars, above and below or left and right, of the same colour, which end at a straight
edge: from one line to the next, at least half of the picture's length differs from the bar. So the dark sky
of a night shot, a sky of one colour and a title on black are no borders. Text or a logo inside a bar
belongs to the bar as long as it keeps away from the picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

TOLERANCE = 3 / 255
"""How far means over a bar may differ from its colour."""

MIN_DEPTH = 4
"""The thinnest bar in pixels. Captured tape has dark edges of one or two pixels, which belong to the
picture."""

_LOOSE = 12 / 255
"""How far the means may differ in a bar that was found in an earlier frame: compression makes noise beside
what moves."""

_BLANK = 24 / 255
"""A frame whose means differ less than this shows nothing yet: a fade from black."""

_CELL = 16
"""Means are taken over this many pixels along a bar, fewer in small frames."""

_SAMPLES = 960
"""So many pixels of a line are enough; of lines twice as long every second pixel is read."""

_TRANSITION = 8
"""Lines beside the picture that ringing of the codec may disturb: a block of its transform."""

_CLEAN = 4
"""Lines before those that have to be clean: what crosses them comes out of the picture."""

_LOOK_AHEAD = 10
"""Lines behind an edge with which the edge is compared, to tell it from ringing before it."""

_RINGING = 0.2
"""Ringing differs from the bar by less than this share of what the picture does."""

_STEP = 2.0
"""How many times as much as the line before it the first line of the picture differs from the bar."""

_EDGE_SHARE = 0.5
"""The share of a line that differs from the bar where the picture begins."""

_FAINT_SHARE = 0.15
"""The same where the opposite bar, as wide, ends at a clear edge."""

_SPECKS = 0.05
"""The share of a line that may differ where the bar is clean."""

_NOISY = 0.2
"""The share of the clean lines that compression noise may lift just above the tolerance."""

_ISLANDS = 0.25
"""The share of a bar that text and logos may cover."""

_MIN_INSIDE = 0.2
"""The smallest height and width of the picture, as a share of the frame's."""


@dataclass(frozen=True, slots=True)
class Borders:
    """The widths of the bars in pixels. False if there are none."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def __bool__(self) -> bool:
        return any(astuple(self))

    def inside(self, image: Tensor) -> Tensor:
        """The picture inside, a view of an image C×H×W of the frame's size."""
        height, width = image.shape[-2:]
        return image[..., self.top : height - self.bottom, self.left : width - self.right]

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the picture inside of a frame of this size."""
        return width - self.left - self.right, height - self.top - self.bottom

    def scaled(self, size: tuple[int, int], to: tuple[int, int]) -> Borders:
        """The borders of the frame resized from one width and height to another."""
        if size == to:
            return self
        x, y = to[0] / size[0], to[1] / size[1]
        return Borders(
            round(self.top * y), round(self.bottom * y), round(self.left * x), round(self.right * x)
        )

    def common(self, other: Borders) -> Borders:
        """What is border in both."""
        return Borders(*map(min, astuple(self), astuple(other)))


NONE = Borders()


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of a frame that an image shows.

    Attributes:
        borders: What the image leaves out, in pixels of the frame.
        width: Of the frame.
        height: Of the frame.
    """

    borders: Borders
    width: int
    height: int

    def of(self, field: Tensor) -> Tensor:
        """The same part of a picture of the whole frame, C×h×w of any size; nothing of the borders."""
        height, width = field.shape[-2:]
        x, y, borders = width / self.width, height / self.height, self.borders
        widths = borders.top * y, borders.bottom * y, borders.left * x, borders.right * x
        return Borders(*(math.ceil(each - 1e-6) for each in widths)).inside(field)

    @property
    def shares(self) -> tuple[float, ...]:
        """The borders as shares of the frame's height, height, width and width."""
        return tuple(
            width / side
            for width, side in zip(
                astuple(self.borders), (self.height, self.height, self.width, self.width), strict=True
            )
        )


@dataclass(frozen=True, slots=True)
class Look:
    """What one frame says about borders.

    Attributes:
        borders: The borders that a shot has which begins with this frame.
        possible: Whether the shot may have borders here at all: opposite edges of the frame have one
            colour.
        blank: The frame shows nothing: it has one colour, or nearly.
    """

    borders: Borders = NONE
    possible: bool = False
    blank: bool = False


@dataclass(frozen=True, slots=True)
class ShotBorders:
    """The borders of a shot at one of its frames.

    Attributes:
        borders: What is border.
        undecided: All frames so far were blank.
        since: Index of the frame since which the borders are these.
    """

    borders: Borders
    undecided: bool
    since: int


def follow(
    before: ShotBorders | None, look: Look, still: Callable[[Borders], bool], index: int
) -> ShotBorders:
    """The borders of a shot at its next frame.

    Args:
        before: At the frame before; None at the first frame of the shot.
        look: At this frame.
        still: Whether borders `holds` in this frame.
        index: Of this frame.
    """
    if before is None or before.undecided:
        borders = look.borders
        undecided = look.blank
    elif not before.borders or look.borders == before.borders or still(before.borders):
        return before
    else:
        borders, undecided = before.borders.common(look.borders), False
    kept = before is not None and borders == before.borders
    return ShotBorders(borders, undecided, before.since if before is not None and kept else index)


def look_at(image: Tensor) -> Look:
    """Look for borders in one frame. On most frames only four lines at each edge are read.

    Args:
        image: 3×H×W, R'G'B', nominally 0..1.
    """
    rows, columns = _pair_colours(image), _pair_colours(image.mT)
    colours = rows or columns
    if colours is None:
        return Look()
    if _is_blank(image, colours[0]):
        return Look(possible=True, blank=True)
    top, bottom = _pair(image, rows)
    middle = Borders(top, bottom).inside(image).mT
    left, right = _pair(middle, _pair_colours(middle))
    if not top and left:
        # Bars above and below a narrow picture end at an edge shorter than half of the frame.
        middle = Borders(0, 0, left, right).inside(image)
        top, bottom = _pair(middle, _pair_colours(middle))
    return Look(Borders(top, bottom, left, right), possible=True)


def holds(image: Tensor, borders: Borders) -> bool:
    """Whether borders that an earlier frame of the shot had still hold no picture.

    Args:
        image: 3×H×W, R'G'B', nominally 0..1.
        borders: In its pixels, at least `MIN_DEPTH` wide where there are any.
    """
    middle = Borders(borders.top, borders.bottom).inside(image).mT
    for picture, near, far in ((image, borders.top, borders.bottom), (middle, borders.left, borders.right)):
        if not near and not far:
            continue
        if _pair_colours(picture) is None:
            return False
        for side, depth in ((picture, near), (picture.flip(-2), far)):
            strip = side[:, :depth]
            colour = _edge_colour(strip)
            if colour is None or not _is_bar(_differences(strip, colour), depth, _LOOSE, 0):
                return False
    return True


def _pair_colours(image: Tensor) -> tuple[Tensor, Tensor] | None:
    """The colours of the first and last lines; None if either has several, or they differ."""
    if min(image.shape[-2:]) < 4 * MIN_DEPTH:
        return None
    first = _edge_colour(image)
    last = None if first is None else _edge_colour(image.flip(-2)[:, :MIN_DEPTH])
    if first is None or last is None or (first - last).abs().max() > TOLERANCE:
        return None
    return first, last


def _edge_colour(image: Tensor) -> Tensor | None:
    """The colour of the first lines, 3; None if they have several."""
    cells = _cells(image[:, :MIN_DEPTH].mean(1, keepdim=True))[:, 0]
    colour = cells.median(-1).values
    different = (cells - colour[:, None]).abs().amax(0) > TOLERANCE
    return None if different.float().mean() > _SPECKS else colour


def _cells(image: Tensor) -> Tensor:
    """Means over short stretches of lines, 3×H×n; of large frames' lines, over some of the pixels."""
    samples = image[..., :: _sampling(image)]
    return F.avg_pool2d(samples[None].float(), (1, max(1, min(_CELL, samples.shape[-1] // 32))))[0]


def _sampling(image: Tensor) -> int:
    return max(1, image.shape[-1] // _SAMPLES)


def _differences(image: Tensor, colour: Tensor) -> Tensor:
    """How far the means differ from a colour, H×n: the largest of the channels."""
    return (_cells(image) - colour[:, None, None]).abs().amax(0)


def _is_blank(image: Tensor, colour: Tensor) -> bool:
    step = max(_sampling(image), _sampling(image.mT))
    samples = image[:, ::step, ::step]
    cells = F.avg_pool2d(samples[None].float(), max(1, min(_CELL, min(samples.shape[-2:]) // 16)))[0]
    return bool((cells - colour[:, None, None]).abs().max() <= _BLANK)


def _pair(image: Tensor, colours: tuple[Tensor, Tensor] | None) -> tuple[int, int]:
    """The widths of the bars above and below; 0, 0 if there are not both."""
    if colours is None:
        return 0, 0
    sides = (_differences(image, colours[0]), _differences(image, colours[1]).flip(0))
    found = [_edge(each) for each in sides]
    # A dark picture may begin with a faint edge on one side: it is looked for where the other side has one.
    known = found[0] or found[1]
    depths = [
        depth or (known if _is_faint_edge(side, known) else 0)
        for depth, side in zip(found, sides, strict=True)
    ]
    height = len(sides[0])
    enough = height - sum(depths) >= max(_MIN_INSIDE * height, 2 * MIN_DEPTH)
    return (depths[0], depths[1]) if all(depths) and enough else (0, 0)


def _edge(differences: Tensor) -> int:
    """Number of lines before the straight edge at which the picture begins; 0 if there is none."""
    mean = differences.mean(1)
    following = F.pad(mean, (0, _LOOK_AHEAD - 1)).unfold(0, _LOOK_AHEAD, 1).amax(1)
    share = (differences > TOLERANCE).float().mean(1)
    before = F.pad(mean[:-1], (1, 0))
    is_edge = (share >= _EDGE_SHARE) & (mean >= _STEP * before) & (mean >= _RINGING * following)
    edges = is_edge.nonzero()
    depth = int(edges[0]) if len(edges) else 0
    return depth if _is_bar(differences, depth, TOLERANCE, _NOISY) else 0


def _is_faint_edge(differences: Tensor, depth: int) -> bool:
    """Whether a small part of the picture begins after the first `depth` lines."""
    share = (differences[depth : depth + 2] > TOLERANCE).float().mean()
    return bool(share >= _FAINT_SHARE) and _is_bar(differences, depth, TOLERANCE, _NOISY)


def _is_bar(differences: Tensor, depth: int, tolerance: float, noisy: float) -> bool:
    """Whether the first `depth` lines have one colour, text and logos aside.

    Args:
        differences: From `_differences`, at least so many lines.
        depth: Of the bar.
        tolerance: How far means may differ.
        noisy: The share of the lines beside the picture that may differ a little more.
    """
    if depth < MIN_DEPTH:
        return False
    end = max(MIN_DEPTH // 2, depth - _TRANSITION)
    beside = differences[max(0, end - _CLEAN) : end].mean(0)
    specks = max(1.5 / len(beside), _SPECKS)
    crossed = (beside > _LOOSE).float().mean() > specks
    disturbed = (beside > tolerance).float().mean() > max(noisy, specks)
    covered = (differences[:end] > tolerance).float().mean() > _ISLANDS
    return not (crossed or disturbed or covered)


def pack(borders: ShotBorders | None) -> Tensor:
    """The borders of a shot as a tensor of integers, for snapshots."""
    if borders is None:
        return torch.empty(0, dtype=torch.int64)
    return torch.tensor([*astuple(borders.borders), borders.undecided, borders.since], dtype=torch.int64)


def unpack(packed: Tensor) -> ShotBorders | None:
    """What `pack` made a tensor of."""
    if not packed.numel():
        return None
    *widths, undecided, since = packed.tolist()
    return ShotBorders(Borders(*widths), bool(undecided), since)
