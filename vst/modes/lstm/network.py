"""The LSTM video network: long-term memory without flow (thesis 5.5, figure 5.3, appendix A).

The thesis's network drifts: over a long shot its strokes part from the scene. Two causes can be read from
it. It learns from pairs whose earlier stylized frame is an image network's, so it never sees its own
output with all the errors that have gathered (what training does about it: `vst.modes.lstm.training`). And
nothing bounds how long a convolutional LSTM keeps its state: with its forget gate at 1 it keeps a stylized
frame whatever the scene does. Here everything is kept by an *anchored* gate: at least a share a of it is
taken from the present frame, so an error fades at least as (1 − a)ⁿ. With a = 0.1 a third of it is left
after ten frames, and a hundredth after 44.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vst.nn.body import GatedVariant, TransformationBody
from vst.nn.executor import Executor, WholeFrame
from vst.nn.layers import ReflectedConv2d
from vst.nn.style_network import Hyperparameters, StyleNetwork

INITIAL_OUTPUT_BIAS = -2.0
"""Bias of the output gate: an untrained memory has a share of σ(−2) = 12 % in the output."""
INITIAL_REST = (-40.0, -30.0, 3.0)
"""Weights of the gate over pixels before training: for the change of a pixel, for the change near it, and a
bias. Where nothing moves nearly all is kept, else next to nothing."""
NEAR, AROUND = 5, 17
"""Sides in pixels of the squares over which change is averaged, and then looked for."""
INITIAL_SWING = 2.0
"""How far a candidate may be from the present's features at first: about their standard deviation."""
_FP32 = 4


class LstmState(NamedTuple):
    """What an `LSTM` keeps of the last frame.

    Attributes:
        frame: B×3×H×W, −1..1, the frame.
        stylized: B×3×H×W, −1..1, the output for it.
        cell: B×4w×⌈H/4⌉×⌈W/4⌉, fp32, the memory c.
        hidden: As large, what the output gate lets through, h.
    """

    frame: Tensor
    stylized: Tensor
    cell: Tensor
    hidden: Tensor


class AnchoredConvLSTM(nn.Module):
    """A convolutional LSTM (Shi 2015) whose memory lives among the features that it is joined with.

    With x the present's features, p the past's, σ the logistic function, ⊙ by element, and each · a channel
    of the same convolutions of x, p and the last h:

        f = (1 − a) σ(·)                forget gate, anchored; the input gate is 1 − f (Greff 2017, CIFG)
        g = x + s ⊙ tanh(·)             candidate: the present, corrected by at most s, a number a channel
        c ← f ⊙ c + (1 − f) ⊙ g         cell
        h = x + σ(·) ⊙ (c − x)          output gate: the output is a mixture of present and memory

    Cell and hidden state are mixtures, so neither can leave the range of the features plus s, however long
    the shot. Where the output gate is shut the features pass unchanged, so the memory can be added to a
    network that stylizes well already.

    The gates see 3 cells to each side through two layers, that is 12 pixels at a quarter of the resolution.

    Args:
        features: Number of channels C of x, p, c and h.
        anchor: a, 0..1.
    """

    REACH = 3
    """Cells that it looks at to each side: 3×3 behind 5×5."""

    def __init__(self, features: int, anchor: float) -> None:
        super().__init__()
        self.anchor = anchor
        self.join = ReflectedConv2d(3 * features, features, 3)
        self.gates = ReflectedConv2d(features, 3 * features, 5)
        self.swing = nn.Parameter(torch.full((features,), INITIAL_SWING))
        _he(self.join)
        with torch.no_grad():
            # Near zero: the gates begin at their biases, and yet get gradients from the first step.
            self.gates.weight.normal_(std=1e-3)
            self.gates.bias.zero_()  # type: ignore[union-attr]
            self.gates.bias[features : 2 * features] = INITIAL_OUTPUT_BIAS  # type: ignore[index]

    def forward(self, x: Tensor, past: Tensor, cell: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """The next cell and hidden state.

        Args:
            x: B×C×h×w, the present's features.
            past: B×C×h×w, those of the last stylized frame.
            cell: B×C×h×w in fp32.
            hidden: The same.

        Returns:
            Cell and hidden state, B×C×h×w in fp32.
        """
        seen = torch.cat((x, past, hidden.to(x.dtype)), 1)
        logits = self.gates(F.relu(self.join(seen))).float()
        forget, show, correction = logits.chunk(3, 1)
        x = x.float()
        candidate = x + self.swing.float()[:, None, None] * torch.tanh(correction)
        cell = torch.lerp(candidate, cell, (1 - self.anchor) * torch.sigmoid(forget))
        return cell, torch.lerp(x, cell, torch.sigmoid(show))


@dataclass(frozen=True)
class LstmVariant(GatedVariant):
    """A `GatedVariant` with a memory.

    Attributes:
        motion: Whether the stream of the past sees the last frame and the present one beside the last
            stylized frame, so that it can see what moved; the thesis's figure 5.3 shows the last alone.
    """

    motion: bool = True


WITHOUT_GATE = LstmVariant()


class LSTM(TransformationBody):
    """`TransformationBody` with a second stream for the past and an `AnchoredConvLSTM` that joins both.

    The stream of the past has down-sampling of its own, 9×9 s1 w, 3×3 s2 2w, 3×3 s2 4w, each with ReLU. It
    has no instance norm, which the thesis has everywhere: that would make any change as large as any other,
    and how much has changed is what the gates decide by. Together with the gates it sees 19 pixels to each
    side.

    With a gate, O = P + (1 − a) σ(z) (R − P) of the stylization P and the last one R, where z comes from
    the features of both streams at full resolution and from how much the frames differ: where nothing
    moves the last output is kept and not stylized again. Nothing is warped, so what moves is stylized.

    Called as other bodies are, it stylizes a frame without a past; `step` continues from a state.

    Args:
        width: Number of filters w of the first layer.
        styles: Number of styles that share the convolutions.
        variant: As for other bodies, with gate, anchor and motion.
    """

    variant_type: ClassVar[type[Hyperparameters]] = LstmVariant
    can_widen = False
    variant: LstmVariant

    def __init__(self, width: int = 32, styles: int = 1, variant: LstmVariant = WITHOUT_GATE) -> None:
        super().__init__(3, width, styles, variant)
        self.past = nn.ModuleList(
            [
                ReflectedConv2d(9 if variant.motion else 3, width, 9),
                ReflectedConv2d(width, 2 * width, 3, stride=2),
                ReflectedConv2d(2 * width, 4 * width, 3, stride=2),
            ]
        )
        self.memory = AnchoredConvLSTM(4 * width, variant.anchor)
        self.keep = ReflectedConv2d(2 * width, 1, 3) if variant.gate else None
        self.rest = nn.Parameter(torch.tensor(INITIAL_REST)) if variant.gate else None
        for layer in self.past:
            _he(layer)
        if self.keep is not None:
            with torch.no_grad():
                self.keep.weight.zero_()
                self.keep.bias.zero_()  # type: ignore[union-attr]

    def step(
        self, frame: Tensor, state: LstmState | None, mix: Tensor | None = None
    ) -> tuple[Tensor, LstmState]:
        """Stylize the next frame of a shot.

        Args:
            frame: B×3×H×W, −1..1, H and W at least `SMALLEST_SIDE`.
            state: What the step before returned; None for the first frame of a shot.
            mix: As in `StyleNetwork.forward`.

        Returns:
            The stylized frame, B×3×H×W, −1..1, of the frame's type, and the state for the next step.

        Raises:
            VstError: as `StyleNetwork.forward`.
        """
        return self.advance(WholeFrame(self.mixture(mix, frame.device)), frame, state)

    def advance(
        self, run: Executor[Any], frame: Tensor, state: LstmState | None
    ) -> tuple[Tensor, LstmState]:
        """As `step`, by any executor.

        Args:
            run: Carries out the layers.
            frame: As for `step`.
            state: As for `step`, on any device if run in tiles.
        """
        self.check_input(*frame.shape[-3:])
        dtype, size = self.last.weight.dtype, frame.shape[-2:]
        x = self.encode(run, run.input([frame], dtype))
        if state is None:
            raw = run.convolve(self.last, self.decode(run, x, size))
            stylized = run.compose(self.compose, (raw, frame), frame)
            return stylized, LstmState(frame, stylized, run.whole(x, frame), run.whole(x, frame))
        fine, coarse = self.encode_past(run, run.input(self.past_planes(frame, state), dtype))
        cell, hidden = run.recurrent(
            self.memory, (x, coarse), (state.cell, state.hidden), AnchoredConvLSTM.REACH
        )
        decoded = self.decode(run, run.as_map(hidden, x, dtype), size)
        raw = run.convolve(self.last, decoded)
        if self.keep is None:
            stylized = run.compose(self.compose, (raw, frame), frame)
        else:
            fine = run.window(fine, self.last.kernel_size[0] // 2)
            kept = run.convolve(self.keep, run.concat(decoded, fine))
            rest = self.at_rest(frame, state)
            stylized = run.compose(self.keep_past, (raw, kept, rest, state.stylized), frame)
        return stylized, LstmState(frame, stylized, cell, hidden)

    def encode_past(self, run: Executor[Any], image: Any) -> tuple[Any, Any]:
        """The past's features at full resolution, B×w×H×W, and at a quarter, B×4w×⌈H/4⌉×⌈W/4⌉."""
        maps = []
        for layer in self.past:
            image = run.convolve(layer, image, relu=True)  # type: ignore[arg-type]
            maps.append(image)
        return maps[0], maps[-1]

    def past_planes(self, frame: Tensor, state: LstmState) -> tuple[Tensor, ...]:
        """The input of the stream of the past, B×3×H×W each."""
        return (state.stylized, state.frame, frame) if self.variant.motion else (state.stylized,)

    def at_rest(self, frame: Tensor, state: LstmState) -> Tensor:
        """The part of z that comes from the frames alone, B×1×H×W: large where nothing moves."""
        assert self.rest is not None
        here, near = change(frame, state.frame).split(1, 1)
        weights = self.rest.to(frame.device)
        return weights[0] * here + weights[1] * near + weights[2]

    def keep_past(self, raw: Tensor, logits: Tensor, rest: Tensor, past: Tensor) -> Tensor:
        """The output of the gate over pixels, B×3×H×W, each pixel for itself.

        Args:
            raw: B×3×H×W, of the last convolution.
            logits: B×1×H×W, the part of z that comes from the features.
            rest: B×1×H×W, the part of z that comes from the frames.
            past: B×3×H×W, the last output.
        """
        stylized = self.activate(raw.to(past.dtype))
        gate = torch.sigmoid(logits.to(stylized.dtype) + rest.to(stylized.dtype))
        return torch.lerp(stylized, past, ((1 - self.variant.anchor) * gate).expand_as(stylized))

    def can_start_from(self, earlier: StyleNetwork) -> bool:
        """See `StyleNetwork.can_start_from`; of another lstm the stream of the past has to be the same."""
        same = not isinstance(earlier, LSTM) or earlier.variant.motion == self.variant.motion
        return same and super().can_start_from(earlier)

    def held_bytes(self, in_tiles: bool) -> float:
        """See `StyleNetwork.held_bytes`; the states and the past's features are added."""
        held = super().held_bytes(in_tiles)
        if in_tiles:
            return held + 2 * self.width  # the next cell and hidden state, w/4 channels each in fp32
        return held + self.width * self.last.weight.element_size() + 4 * self.width + 3 * 3 * _FP32


def change(frame: Tensor, previous: Tensor) -> Tensor:
    """How much two frames, B×3×H×W, −1..1, differ at each pixel, and at most near it: B×2×H×W, fp32.

    A change of the whole picture's light is taken off, and noise is averaged.
    """
    difference = (frame - previous).float()
    difference = (difference - difference.mean((2, 3), keepdim=True)).abs().mean(1, keepdim=True)
    here = F.avg_pool2d(difference, NEAR, 1, NEAR // 2, count_include_pad=False)
    return torch.cat((here, F.max_pool2d(here, AROUND, 1, AROUND // 2)), 1)


def _he(layer: nn.Module) -> None:
    """Weights that keep the deviation of what passes a ReLU (He 2015)."""
    assert isinstance(layer, nn.Conv2d)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
