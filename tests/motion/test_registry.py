from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys

import pytest

from vst.errors import UsageError, VstError
from vst.motion import ESTIMATORS, create_estimator
from vst.motion import registry as registry_module


def test_every_estimator_that_is_ready_can_be_made_by_its_name():
    for name, entry in ESTIMATORS.items():
        if entry.ready():
            assert create_estimator(name).name == name
        assert entry.description
        assert "\n" not in entry.description


def test_auto_says_which_estimator_it_chose(caplog):
    with caplog.at_level(logging.INFO, logger="vst"):
        chosen = create_estimator("auto")
    assert chosen.name in caplog.text


def test_a_mistyped_name_gets_the_nearest_one():
    with pytest.raises(UsageError, match="did you mean 'dis'"):
        create_estimator("diss")


def test_a_name_that_is_near_nothing_gets_all_of_them():
    with pytest.raises(UsageError, match="expected one of dis"):
        create_estimator("qqqqqq")


def test_what_is_missing_is_said_with_how_to_get_it(monkeypatch):
    entry = dataclasses.replace(ESTIMATORS["dis"], missing=lambda: "OpenCV is absent: pip install it")
    monkeypatch.setitem(ESTIMATORS, "dis", entry)
    for name in ("dis", "auto"):
        with pytest.raises(VstError, match="not ready: OpenCV is absent: pip install"):
            create_estimator(name)


def test_an_absent_opencv_is_noticed(monkeypatch):
    monkeypatch.setattr(registry_module.importlib.util, "find_spec", lambda name: None)
    assert not ESTIMATORS["dis"].ready()


def test_an_entry_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ESTIMATORS["dis"].description = "something else"  # type: ignore[misc]


def test_importing_the_room_loads_neither_opencv_nor_the_scene_detector():
    code = "import sys, vst.motion; print([m for m in ('cv2', 'scenedetect', 'av') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
