"""The parameters of the published flow networks, copied from their published source code.

NVIDIA/flownet2-pytorch, ``networks/FlowNet{C,S,SD,Fusion}.py`` and ``models.py``, without batch norm, and
NVlabs/PWC-Net, ``PyTorch/models/PWCNet.py``, class ``PWCDCNet``. A layer is ``name outputs inputs kernel``;
``name*`` is a transposed convolution, whose weight has its inputs first, and ``name-`` has no bias.
"""

from __future__ import annotations

_ENCODER = """
conv4.0 512 256 3, conv4_1.0 512 512 3, conv5.0 512 512 3, conv5_1.0 512 512 3, conv6.0 1024 512 3,
conv6_1.0 1024 1024 3,
"""

_DECODER = """
deconv5.0* 512 1024 4, deconv4.0* 256 1026 4, deconv3.0* 128 770 4, deconv2.0* 64 386 4,
"""

_HEADS = """
predict_flow6 2 1024 3, predict_flow5 2 1026 3, predict_flow4 2 770 3, predict_flow3 2 386 3,
predict_flow2 2 194 3,
"""

_UPSAMPLING = """
upsampled_flow6_to_5* 2 2 4, upsampled_flow5_to_4* 2 2 4, upsampled_flow4_to_3* 2 2 4,
upsampled_flow3_to_2* 2 2 4,
"""

_FLOWNETC = f"""
conv1.0 64 3 7, conv2.0 128 64 5, conv3.0 256 128 5, conv_redir.0 32 256 1, conv3_1.0 256 473 3,
{_ENCODER}{_DECODER}{_HEADS}{_UPSAMPLING}
"""

_FLOWNETS = f"""
conv1.0 64 INPUTS 7, conv2.0 128 64 5, conv3.0 256 128 5, conv3_1.0 256 256 3,
{_ENCODER}{_DECODER}{_HEADS}{_UPSAMPLING.replace("*", "*-")}
"""

_FLOWNETSD = f"""
conv0.0 64 6 3, conv1.0 64 64 3, conv1_1.0 128 64 3, conv2.0 128 128 3, conv2_1.0 128 128 3,
conv3.0 256 128 3, conv3_1.0 256 256 3,
inter_conv5.0 512 1026 3, inter_conv4.0 256 770 3, inter_conv3.0 128 386 3, inter_conv2.0 64 194 3,
predict_flow6 2 1024 3, predict_flow5 2 512 3, predict_flow4 2 256 3, predict_flow3 2 128 3,
predict_flow2 2 64 3,
{_ENCODER}{_DECODER}{_UPSAMPLING}
"""

_FUSION = """
conv0.0 64 11 3, conv1.0 64 64 3, conv1_1.0 128 64 3, conv2.0 128 128 3, conv2_1.0 128 128 3,
deconv1.0* 32 128 4, deconv0.0* 16 162 4, inter_conv1.0 32 162 3, inter_conv0.0 16 82 3,
predict_flow2 2 128 3, predict_flow1 2 32 3, predict_flow0 2 16 3,
upsampled_flow2_to_1* 2 2 4, upsampled_flow1_to_0* 2 2 4,
"""

_PWCNET = """
conv1a.0 16 3 3, conv1aa.0 16 16 3, conv1b.0 16 16 3, conv2a.0 32 16 3, conv2aa.0 32 32 3, conv2b.0 32 32 3,
conv3a.0 64 32 3, conv3aa.0 64 64 3, conv3b.0 64 64 3,
conv4a.0 96 64 3, conv4aa.0 96 96 3, conv4b.0 96 96 3,
conv5a.0 128 96 3, conv5aa.0 128 128 3, conv5b.0 128 128 3,
conv6aa.0 196 128 3, conv6a.0 196 196 3, conv6b.0 196 196 3,
conv6_0.0 128 81 3, conv6_1.0 128 209 3, conv6_2.0 96 337 3, conv6_3.0 64 433 3, conv6_4.0 32 497 3,
predict_flow6 2 529 3, deconv6* 2 2 4, upfeat6* 2 529 4,
conv5_0.0 128 213 3, conv5_1.0 128 341 3, conv5_2.0 96 469 3, conv5_3.0 64 565 3, conv5_4.0 32 629 3,
predict_flow5 2 661 3, deconv5* 2 2 4, upfeat5* 2 661 4,
conv4_0.0 128 181 3, conv4_1.0 128 309 3, conv4_2.0 96 437 3, conv4_3.0 64 533 3, conv4_4.0 32 597 3,
predict_flow4 2 629 3, deconv4* 2 2 4, upfeat4* 2 629 4,
conv3_0.0 128 149 3, conv3_1.0 128 277 3, conv3_2.0 96 405 3, conv3_3.0 64 501 3, conv3_4.0 32 565 3,
predict_flow3 2 597 3, deconv3* 2 2 4, upfeat3* 2 597 4,
conv2_0.0 128 117 3, conv2_1.0 128 245 3, conv2_2.0 96 373 3, conv2_3.0 64 469 3, conv2_4.0 32 533 3,
predict_flow2 2 565 3, deconv2* 2 2 4,
dc_conv1.0 128 565 3, dc_conv2.0 128 128 3, dc_conv3.0 128 128 3, dc_conv4.0 96 128 3, dc_conv5.0 64 96 3,
dc_conv6.0 32 64 3, dc_conv7 2 32 3,
"""

COUNTS = {
    "flownet2": 162_518_834,
    "flownet2-c": 39_175_298,
    # A comment in FlowNetS.py says 38,676,504; the code beside it has two more.
    "flownet2-s": 38_676_506,
    "flownet2-sd": 45_371_666,
    "flownet2-cs": 77_870_620,
    "flownet2-css": 116_565_942,
    "flownet2-css-ft-sd": 116_565_942,
    "pwcnet": 9_374_340,
}
"""Number of parameters of each; those of the first, second and fourth are also in comments of that code."""


def published_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every parameter of a published network."""
    stack = {
        "flownetc.": _FLOWNETC,
        "flownets_1.": _FLOWNETS.replace("INPUTS", "12"),
        "flownets_2.": _FLOWNETS.replace("INPUTS", "12"),
        "flownets_d.": _FLOWNETSD,
        "flownetfusion.": _FUSION,
    }
    parts = {
        "flownet2": stack,
        "flownet2-c": {"": _FLOWNETC},
        "flownet2-s": {"": _FLOWNETS.replace("INPUTS", "6")},
        "flownet2-sd": {"": _FLOWNETSD},
        "flownet2-cs": dict(list(stack.items())[:2]),
        "flownet2-css": dict(list(stack.items())[:3]),
        "flownet2-css-ft-sd": dict(list(stack.items())[:3]),
        "pwcnet": {"": _PWCNET},
    }[name]
    shapes: dict[str, tuple[int, ...]] = {}
    for prefix, layers in parts.items():
        for layer in filter(None, (each.strip() for each in layers.split(","))):
            label, outputs, inputs, kernel = layer.split()
            first, second = (int(inputs), int(outputs)) if "*" in label else (int(outputs), int(inputs))
            parameter = prefix + label.rstrip("*-")
            shapes[f"{parameter}.weight"] = (first, second, int(kernel), int(kernel))
            if not label.endswith("-"):
                shapes[f"{parameter}.bias"] = (int(outputs),)
    return shapes
