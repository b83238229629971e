"""What the project's figures come from; run from a checkout, `--help` says the rest.

- `python -m benchmarks.stability`: how still paintings hold on clips and scenes, style by style.
- `python -m benchmarks.still_shot`: whether colours or detail drift while nothing moves.
- `python -m benchmarks.pictures`: content and style of painted photographs beside a published network's.
- `python -m benchmarks.blend`: whether a blend of two styles lies between them.
- `python -m benchmarks.memory`: whether memory grows with a clip's length.
- `python -m benchmarks.kernels`: the flow networks' own operations beside plain PyTorch.
"""
