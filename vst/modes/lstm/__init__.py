"""lstm: a network with a convolutional LSTM as its memory, without optical flow."""

from __future__ import annotations

from vst.modes.registry import ModeEntry

MODE = ModeEntry(
    name="lstm",
    description="video without optical flow: a convolutional LSTM is its memory",
    network="vst.modes.lstm.network:LSTM",
    stylizer="vst.modes.lstm.stylizer:LstmStylizer",
    temporal=True,
    recipe="vst.modes.lstm.config:LstmRecipe",
    training="vst.modes.lstm.training:LstmStep",
)
