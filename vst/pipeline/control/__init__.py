"""Styles and strengths that change over a clip: how they are written, and what each frame gets."""
