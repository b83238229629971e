"""Writing frames as a video file, a picture or an image sequence."""
