"""The published weights that can be imported, and where to download them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublishedWeights:
    """A family of published checkpoints.

    Attributes:
        family: Its name on the command line of `vst weights import`.
        estimators: The estimators that its files are for.
        files: Names of the files, as published.
        source: The page with the downloads.
        licence: Terms of use.
    """

    family: str
    estimators: tuple[str, ...]
    files: str
    source: str
    licence: str


PUBLISHED_WEIGHTS: dict[str, PublishedWeights] = {
    published.family: published
    for published in (
        PublishedWeights(
            "flownet2",
            (
                "flownet2",
                "flownet2-c",
                "flownet2-s",
                "flownet2-sd",
                "flownet2-cs",
                "flownet2-css",
                "flownet2-css-ft-sd",
            ),
            "FlowNet2_checkpoint.pth.tar, FlowNet2-C_checkpoint.pth.tar, ...",
            'https://github.com/NVIDIA/flownet2-pytorch, "Converted Caffe Pre-trained Models"',
            "research only; the licence agreement is linked there",
        ),
        PublishedWeights(
            "pwcnet",
            ("pwcnet",),
            "pwc_net.pth.tar (Sintel) or pwc_net_chairs.pth.tar",
            "https://github.com/NVlabs/PWC-Net, folder PyTorch",
            "CC BY-NC-SA 4.0",
        ),
    )
}
