"""Optimisation of pixels until the features of a loss network fit: what `gatys` and its relatives share.

- `config`: the options. `paintings`: the pictures of a style, at the size of each level.
- `features`: features of a picture and the way back to its pixels, whole or in tiles.
- `regions`: parts of the frame with paintings of their own. `level`: one size of a frame.
- `terms`: what is minimised; `objective`: their sum and its gradient.
- `minimise`: L-BFGS and Adam with restarts. `schedule`: sizes, coarse to fine, and the steps of each.
- `synthesis`: pictures from noise: textures and reconstructions. `periodic`: pictures that repeat without a
  seam. `moving`: textures that move and loop.
- `stylizer`: all of it for one frame after another. A mode subclasses `OptimisingStylizer`.
"""
