"""Flow on disk: file formats, and folders that hold the motion of a clip."""
