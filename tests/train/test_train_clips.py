import os
import shutil

import cv2
import numpy as np
import pytest

from tests.clips import make_clip
from vst.errors import MediaError
from vst.train.clips import VideoClip, find_clips, replaceable_clips
from vst.train.shots import changes, real_sequence
from vst.train.skipped import SkippedFiles


class Fixed:
    """A clip of given frames."""

    def __init__(self, frames):
        self.frames = frames

    def __len__(self):
        return len(self.frames)

    def load(self, first, count):
        return list(self.frames[first : first + count])


def grey(value, seed=0):
    texture = np.random.default_rng(seed).integers(0, 20, (40, 40, 3))
    return (texture + value).astype(np.uint8)


def test_videos_and_folders_of_frames_are_found_beside_each_other(tmp_path):
    make_clip(tmp_path / "a.mp4", frames=12)
    (tmp_path / "b").mkdir()
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"b/{number}.png"), grey(number))
    video, frames = find_clips([str(tmp_path)])
    assert isinstance(video, VideoClip)
    assert (len(video), len(frames)) == (12, 3)
    (alone,) = find_clips([str(tmp_path / "a.mp4")])
    assert alone == video


def test_a_video_gives_the_frames_that_were_asked_for(tmp_path):
    make_clip(tmp_path / "a.mp4", frames=30, codec="libx264")
    (clip,) = find_clips([str(tmp_path / "a.mp4")])
    whole = clip.load(0, 30)
    assert [frame.shape for frame in whole] == [(32, 48, 3)] * 30
    for first in (0, 7, 22):
        part = clip.load(first, 8)
        assert all(np.array_equal(a, b) for a, b in zip(part, whole[first : first + 8], strict=True))


def test_a_clip_that_is_too_short_is_no_clip(tmp_path):
    make_clip(tmp_path / "a.mp4", frames=4)
    with pytest.raises(MediaError, match="holds no clip of 8 frames or more"):
        find_clips([str(tmp_path)], shortest=8)


def test_files_that_are_no_videos_are_skipped_and_named(tmp_path):
    (tmp_path / "x.mp4").write_bytes(b"nothing of the kind")
    (tmp_path / "link.mov").symlink_to("nowhere.mov")
    (tmp_path / "folder.mkv").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(MediaError, match=r"holds no clip of 2 .*no video that can be read \(1\): .*x\.mp4"):
        find_clips([str(tmp_path)])
    make_clip(tmp_path / "good.mp4", frames=4)
    (tmp_path / "frame.png").write_text("no picture")
    skipped = SkippedFiles()
    (clip,) = find_clips([str(tmp_path)], skipped=skipped)
    assert clip.file == tmp_path / "good.mp4"
    assert skipped.reasons() == {
        str(tmp_path / "x.mp4"): "no video that can be read",
        str(tmp_path / "link.mov"): "a broken link",
        str(tmp_path / "pipe.mp4"): "not a regular file",
        str(tmp_path / "frame.png"): "not a picture that can be read",
    }


def test_a_clip_that_cannot_be_decoded_is_replaced_by_the_next_one_and_named(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(4):
            cv2.imwrite(str(tmp_path / name / f"{number}.png"), grey(50 * (name == "b")))
    skipped = SkippedFiles()
    clips = replaceable_clips(find_clips([str(tmp_path)]), skipped)
    for number in range(4):
        damaged = tmp_path / "a" / f"{number}.png"
        damaged.write_bytes(damaged.read_bytes()[:500])
    assert [len(clip) for clip in clips] == [4, 4]
    for clip in clips:
        frames = clip.load(1, 3)
        assert [int(frame.min()) for frame in frames] == [50] * 3
    assert skipped.reasons() == {str(tmp_path / "a" / "0.png"): "damaged"}
    shutil.rmtree(tmp_path / "b")
    with pytest.raises(MediaError, match=r"0\.png"):
        replaceable_clips(find_clips([str(tmp_path)]), SkippedFiles())[0].load(0, 3)


def test_sequences_that_hardly_change_are_passed_over():
    still = Fixed([grey(50)] * 6)
    moving = Fixed([grey(50, seed) for seed in range(6)])
    rng = np.random.default_rng(0)
    for _ in range(8):
        shot = real_sequence([still, moving], 4, 32, rng, least_change=0.01)
        assert changes(shot.frames.permute(0, 2, 3, 1).numpy()).min() > 0.01


def test_sequences_across_a_cut_are_passed_over():
    cut = Fixed([grey(20)] * 4 + [grey(200, 1)] * 4)
    rng = np.random.default_rng(0)
    for _ in range(20):
        shot = real_sequence([cut], 4, 32, rng)
        assert changes(shot.frames.permute(0, 2, 3, 1).numpy()).max() < 0.1
