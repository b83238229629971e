"""The LSTM video network: a painter that remembers, without flow (thesis 5.5, figure 5.3, appendix A).

The thesis's drifts: over a long shot its strokes part from the scene. Two causes can be read from it. It
learns from pairs whose earlier painting is an image network's, so it never meets what it painted itself,
with all the errors that have gathered (what training does about it: `vst.train.recurrent`). And nothing
bounds how long a convolutional LSTM goes on with what it has: with its forget gate at 1 it holds a
painting whatever the scene does. Here everything that is held is held by an *anchored* gate: at least a
share a of it is taken anew from the present frame, so what is wrong fades at least as (1 − a)ⁿ. With
a = 0.1 a third of it is left after ten frames, and a hundredth after 44.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vst.nn.body import TABLE_4_1, TransformationBody, Variant, one_style
from vst.nn.layers import ReflectedConv2d

SHOWN_AT_FIRST = -2.0
"""Bias of the output gate: an untrained memory has σ(−2) = 12 % of a say in what is painted."""
KEPT_AT_FIRST = (-40.0, -30.0, 3.0)
"""What change of a pixel, change near it, and a bias say to the gate over pixels before it has learned:
where nothing moves nearly all is kept, else next to nothing."""
NEAR, AROUND = 5, 17
"""Sides in pixels of the squares over which change is averaged, and then looked for."""
SWING = 2.0
"""How far a candidate may be from the present's features at first: about their standard deviation."""


class State(NamedTuple):
    """What an `LSTM` remembers of the last frame.

    Attributes:
        frame: B×3×H×W, −1..1, the frame.
        painting: B×3×H×W, −1..1, what was painted of it.
        cell: B×4w×⌈H/4⌉×⌈W/4⌉, fp32, the memory c.
        hidden: As large, what was shown of it, h.
    """

    frame: Tensor
    painting: Tensor
    cell: Tensor
    hidden: Tensor


class AnchoredConvLSTM(nn.Module):
    """A convolutional LSTM (Shi 2015) whose memory lives among the features that it is joined with.

    With x the present's features, p the past's, σ the logistic function, ⊙ by element, and each · a channel
    of the same convolutions of x, p and the last h:

        f = (1 − a) σ(·)                forget gate, anchored; the input gate is 1 − f (Greff 2017, CIFG)
        g = x + s ⊙ tanh(·)             candidate: the present, corrected by at most s, a number a channel
        c ← f ⊙ c + (1 − f) ⊙ g         cell
        h = x + σ(·) ⊙ (c − x)          output gate: what is shown is a mixture of present and memory

    Cell and hidden state are mixtures, so neither can leave the range of the features seen plus s, however
    long the shot. The features go straight through where nothing of the memory is shown, so it can be put
    behind a network that paints well already.

    The gates see 3 cells to each side through two layers, that is 12 pixels at a quarter of the resolution.

    Args:
        features: Number of channels C of x, p, c and h.
        anchor: a, 0..1.
    """

    def __init__(self, features: int, anchor: float) -> None:
        super().__init__()
        self.anchor = anchor
        self.join = ReflectedConv2d(3 * features, features, 3)
        self.gates = ReflectedConv2d(features, 3 * features, 5)
        self.swing = nn.Parameter(torch.full((features,), SWING))
        _he(self.join)
        with torch.no_grad():
            # Next to nothing, so that the gates begin as their biases say, and all the same learn at once.
            self.gates.weight.normal_(std=1e-3)
            self.gates.bias.zero_()  # type: ignore[union-attr]
            self.gates.bias[features : 2 * features] = SHOWN_AT_FIRST  # type: ignore[index]

    def forward(self, x: Tensor, past: Tensor, cell: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """The next cell and hidden state.

        Args:
            x: B×C×h×w, the present's features.
            past: B×C×h×w, those of what was painted before.
            cell: B×C×h×w in fp32.
            hidden: The same.

        Returns:
            Cell and hidden state, B×C×h×w in fp32.
        """
        seen = torch.cat((x, past, hidden.to(x.dtype)), 1)
        said = self.gates(F.relu(self.join(seen))).float()
        forget, show, correction = said.chunk(3, 1)
        x = x.float()
        candidate = x + self.swing.float()[:, None, None] * torch.tanh(correction)
        cell = torch.lerp(candidate, cell, (1 - self.anchor) * torch.sigmoid(forget))
        return cell, torch.lerp(x, cell, torch.sigmoid(show))


class LSTM(TransformationBody):
    """`TransformationBody` with a second stream for the past and an `AnchoredConvLSTM` that joins both.

    The stream of the past has down-sampling of its own, 9×9 s1 w, 3×3 s2 2w, 3×3 s2 4w, each with ReLU. It
    has no instance norm, which the thesis has everywhere: that would make any change as large as any other,
    and how much has changed is what the gates decide by. Together with the gates it sees 19 pixels to each
    side.

    With a gate (`Variant.gate`), O = P + (1 − a) σ(z) (R − P) of the painting P and the last one R, where z
    comes from the features of both streams at full resolution and from how much the frames differ: what
    stands still is kept as it is and not painted again. Nothing is warped, so what moves has to be painted.

    Called as other bodies are, it paints a frame without a past; `step` goes on from one.

    Args:
        width: Number of filters w of the first layer.
        styles: Number of styles that share the convolutions.
        variant: As for other bodies, with gate, anchor and motion.
    """

    def __init__(self, width: int = 32, styles: int = 1, variant: Variant = TABLE_4_1) -> None:
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
        self.rest = nn.Parameter(torch.tensor(KEPT_AT_FIRST)) if variant.gate else None
        for layer in self.past:
            _he(layer)
        if self.keep is not None:
            with torch.no_grad():
                self.keep.weight.zero_()
                self.keep.bias.zero_()  # type: ignore[union-attr]

    def step(self, frame: Tensor, state: State | None, mix: Tensor | None = None) -> tuple[Tensor, State]:
        """Paint the next frame of a shot.

        Args:
            frame: B×3×H×W, −1..1, H and W at least `SMALLEST_SIDE`.
            state: What the step before gave; None for the first frame of a shot.
            mix: As in `TransformationBody.forward`.

        Returns:
            The painting, B×3×H×W, −1..1, of the frame's type, and the state for the next step.

        Raises:
            VstError: as `TransformationBody.forward`.
        """
        if mix is None:
            mix = one_style(0, self.styles, frame.device)
        x = self.encode(frame, mix)
        size = frame.shape[-2:]
        if state is None:
            painting = self.painted(self.decode(x, mix, size), frame.dtype)
            return painting, State(frame, painting, x.float(), x.float())
        fine, coarse = self._recall(frame, state)
        cell, hidden = self.memory(x, coarse, state.cell, state.hidden)
        decoded = self.decode(hidden, mix, size)
        painting = self.painted(decoded, frame.dtype)
        if self.keep is not None:
            said = self.keep(torch.cat((decoded, fine.to(decoded.dtype)), 1))
            painting = self.keep_past(painting, said, self.at_rest(frame, state), state.painting)
        return painting, State(frame, painting, cell, hidden)

    def at_rest(self, frame: Tensor, state: State) -> Tensor:
        """How much speaks for keeping each pixel by the frames alone, B×1×H×W: part of z."""
        assert self.rest is not None
        here, near = change(frame, state.frame).split(1, 1)
        weights = self.rest.to(frame.device)
        return weights[0] * here + weights[1] * near + weights[2]

    def keep_past(self, painting: Tensor, said: Tensor, rest: Tensor, past: Tensor) -> Tensor:
        """What the gate over pixels makes of two paintings, B×3×H×W, each pixel for itself.

        Args:
            painting: The present's.
            said: B×1×H×W, what the features say of z.
            rest: B×1×H×W, what the frames say.
            past: The last one.
        """
        gate = torch.sigmoid(said.to(painting.dtype) + rest.to(painting.dtype))
        return torch.lerp(painting, past, ((1 - self.variant.anchor) * gate).expand_as(painting))

    def shown(self, frame: Tensor, state: State) -> tuple[Tensor, ...]:
        """What the stream of the past is shown, B×3×H×W each."""
        return (state.painting, state.frame, frame) if self.variant.motion else (state.painting,)

    def _recall(self, frame: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """The past's features at full resolution, B×w×H×W, and at a quarter, B×4w×⌈H/4⌉×⌈W/4⌉."""
        y = torch.cat(self.shown(frame, state), 1).to(self.last.weight.dtype)
        found = []
        for layer in self.past:
            y = F.relu(layer(y))
            found.append(y)
        return found[0], found[-1]


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
