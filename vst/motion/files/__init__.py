"""Motion on disk.

`flo.py` and `flow_png.py` each read and write one file format. `flow_folder.py` writes the motion of a clip
to a folder of such files with a description (`vst flow`); `recorded.py` reads such a folder as a
`MotionSource`. A new file format is one file here.
"""
