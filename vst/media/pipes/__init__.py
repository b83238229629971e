"""Clips that are no files: what is read from a pipe or standard input, and written to one."""
