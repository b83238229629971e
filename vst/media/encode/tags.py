"""Tags of a container: which of the source's are copied."""

from __future__ import annotations

FILE_TAGS = {
    "major_brand",
    "minor_version",
    "compatible_brands",
    "encoder",
    "vendor_id",
    "duration",
    "rotate",
    "alpha_mode",
    "bps",
    "number_of_frames",
    "number_of_bytes",
    "source_id",
    "stereo_mode",
    "timecode",
}
"""Tags that describe the source file rather than the clip."""

MP4_TAGS = {
    "title",
    "artist",
    "album_artist",
    "album",
    "composer",
    "comment",
    "genre",
    "copyright",
    "date",
    "description",
    "synopsis",
    "lyrics",
    "grouping",
    "show",
    "episode_id",
    "network",
    "keywords",
    "creation_time",
    "location",
}
"""Tags that the usual metadata box of MP4 can hold; others need the newer key-value box."""


MOV_TAGS = {
    "title",
    "artist",
    "album",
    "comment",
    "genre",
    "copyright",
    "date",
    "creation_time",
    "location",
}
"""As `MP4_TAGS`, of the metadata box of QuickTime."""


def content_tags(tags: dict[str, str]) -> dict[str, str]:
    """The tags that describe the clip rather than its file."""
    return {
        key: value
        for key, value in tags.items()
        if key.lower() not in FILE_TAGS and not key.lower().startswith(("_statistics", "bps-", "duration-"))
    }


def label_tags(tags: dict[str, str]) -> dict[str, str]:
    """The tags of an audio or subtitle stream that are copied: language, title and role."""
    return {
        key: value
        for key, value in tags.items()
        if key.lower() in ("language", "title", "handler_name", "name", "comment")
    }
