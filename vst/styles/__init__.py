"""Styles: the catalogue, weight files, blends."""
