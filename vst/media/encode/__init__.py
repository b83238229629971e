"""Frames to files: codecs, containers, and what goes with the picture."""
