"""A generator of CycleGAN as published by Zhu 2017, by the published names."""

from __future__ import annotations

from torch import nn


class Block(nn.Module):
    def __init__(self, features, dropout):
        super().__init__()
        self.conv_block = nn.Sequential(
            *(
                nn.ReflectionPad2d(1),
                nn.Conv2d(features, features, 3),
                nn.InstanceNorm2d(features),
                nn.ReLU(),
            ),
            *([nn.Dropout(0.5)] if dropout else []),
            *(nn.ReflectionPad2d(1), nn.Conv2d(features, features, 3), nn.InstanceNorm2d(features)),
        )

    def forward(self, x):
        return x + self.conv_block(x)


class Published(nn.Module):
    """The layers of junyanz's ResnetGenerator, in its order and by its names."""

    def __init__(self, width=2, blocks=2, dropout=False):
        super().__init__()
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), nn.InstanceNorm2d(width), nn.ReLU()]
        for inputs in (width, 2 * width):
            layers += [nn.Conv2d(inputs, 2 * inputs, 3, 2, 1), nn.InstanceNorm2d(2 * inputs), nn.ReLU()]
        layers += [Block(4 * width, dropout) for _ in range(blocks)]
        for inputs in (4 * width, 2 * width):
            half = inputs // 2
            layers += [nn.ConvTranspose2d(inputs, half, 3, 2, 1, 1), nn.InstanceNorm2d(half), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)
