"""Settings of a render as text, for workers whose current folder is another one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vst.pipeline import RenderSettings


def settings_to_text(settings: RenderSettings) -> str:
    """Settings as JSON, with absolute paths."""
    from vst.batch.farm.settings_json import settings_from_json, settings_to_json
    from vst.pipeline.optimisation import section_of
    from vst.pipeline.style_pictures import with_absolute_pictures

    here = Path.cwd()
    settings = settings_from_json(settings_to_json(settings, here), here)
    if section_of(settings.mode):  # styles are pictures
        settings = with_absolute_pictures(settings)
    return json.dumps(settings_to_json(settings, Path("/")), sort_keys=True)


def settings_from_text(text: str) -> RenderSettings:
    """The settings again."""
    from vst.batch.farm.settings_json import settings_from_json

    values: dict[str, Any] = json.loads(text)
    return settings_from_json(values, Path("/"))
