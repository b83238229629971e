"""Which networks others have published under licences that keep us from shipping them, and where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """Checkpoints that belong together.

    Attributes:
        family: What `vst weights import` calls it.
        estimators: Which estimators its files make ready.
        files: What the files are called there.
        source: The page that offers them.
        licence: Under which terms.
    """

    family: str
    estimators: tuple[str, ...]
    files: str
    source: str
    licence: str


RELEASES: dict[str, Release] = {
    release.family: release
    for release in (
        Release(
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
        Release(
            "pwcnet",
            ("pwcnet",),
            "pwc_net.pth.tar (Sintel) or pwc_net_chairs.pth.tar",
            "https://github.com/NVlabs/PWC-Net, folder PyTorch",
            "CC BY-NC-SA 4.0",
        ),
    )
}
