"""The options of the modes that optimise pixels, as the modes take them."""

from __future__ import annotations

from dataclasses import dataclass

LBFGS, ADAM = OPTIMIZERS = ("lbfgs", "adam")
CONTENT, NOISE = "content", "noise"

CONTENT_LAYERS = ("relu4_2", "relu3_3")
"""The first that the loss network has is where content is compared, unless others are given."""

STYLE_LAYERS = (
    "relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_3", "relu4_1", "relu5_1",
)  # fmt: skip
"""Where style is compared, as far as the loss network has them: the first layer of each stage (Gatys 2015)
and, at no cost, those of Johnson 2016, without which fine strokes keep the frame's own texture."""

STEPS = 240
"""Evaluations of the losses and their gradient, over all sizes."""

TEMPORAL_WEIGHT = 200.0
"""With it, pixels that are trusted change by a few hundredths."""

PASSES = 2
"""Over each shot, of ruder."""

LayerWeights = tuple[tuple[str, float], ...]
"""Layers with the weight of each."""


@dataclass(frozen=True, kw_only=True)
class OptimisationConfig:
    """What is minimised, from where, and for how long.

    Many attributes: one for each option.

    Attributes:
        content_layers: Where content is compared, with weights; empty: the first of `CONTENT_LAYERS`.
        style_layers: Where style is compared, with weights; empty: those of `STYLE_LAYERS` that are there.
        content_weight: On the mean squared difference of features, relative to the frame's own energy.
        style_weight: On the style loss, relative to the painting's own energy.
        variation_weight: On the mean squared difference of neighbouring pixels.
        laplacian_weight: On the loss of the frame's edges (Li 2017).
        style_loss: A key of `vst.losses.style_statistics.STYLE_LOSSES`.
        optimizer: `lbfgs` or `adam`.
        steps: Evaluations of the losses, over all sizes.
        levels: Number of sizes; each is half of the next.
        from_noise: Whether the first picture is noise, and not the frame or a stylization.
        style_scale: Size of the strokes, as in `RenderSettings`.
        tile: Side of tiles in pixels, 0 for no tiles; None: large frames are optimised in tiles.
        temporal_weight: On the mean squared distance from earlier stylized frames, where these are trusted;
            0: each frame is optimised alone.
        passes: Over each shot, forwards and backwards in turn (ruder).
        patch_size: Side of patches in places of the features (mrf).
        patch_rotations: Turned copies of the paintings, to either side (mrf).
        patch_scales: Larger copies of the paintings, and as many smaller ones (mrf).
    """

    content_layers: LayerWeights = ()
    style_layers: LayerWeights = ()
    content_weight: float = 1.0
    style_weight: float = 60.0
    variation_weight: float = 1.0
    laplacian_weight: float = 0.0
    style_loss: str = "gram"
    optimizer: str = LBFGS
    steps: int = STEPS
    levels: int = 3
    from_noise: bool = False
    style_scale: float | None = None
    tile: int | None = None
    temporal_weight: float = TEMPORAL_WEIGHT
    passes: int = PASSES
    patch_size: int = 3
    patch_rotations: int = 1
    patch_scales: int = 1
