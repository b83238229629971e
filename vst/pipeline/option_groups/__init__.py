"""The render options by subject: dataclasses that `vst.pipeline.settings.RenderSettings` joins."""
