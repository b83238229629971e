"""Regions: which part of the picture is stylized how."""
