"""vst: a clip goes in, a painting that holds still comes out."""

__version__ = "0.1.0"
