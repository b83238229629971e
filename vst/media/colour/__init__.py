"""Colour: pixel formats, matrix, range and transfer; planes to R'G'B' and back."""
