from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys

import pytest
import torch

from vst.errors import UsageError, VstError
from vst.motion import ESTIMATORS, automatic, check_estimator, create_estimator
from vst.motion import registry as registry_module


def test_every_estimator_that_is_ready_can_be_created_by_name():
    for name, entry in ESTIMATORS.items():
        if entry.ready():
            assert create_estimator(name).name == name
        assert entry.description
        assert "\n" not in entry.description


def test_auto_logs_the_estimator_that_it_chose(caplog):
    with caplog.at_level(logging.INFO, logger="vst"):
        chosen = create_estimator("auto")
    assert chosen.name in caplog.text


def test_a_mistyped_name_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="did you mean 'dis'"):
        create_estimator("diss")


def test_a_name_without_a_near_one_is_refused_with_all_names():
    with pytest.raises(UsageError, match="expected one of dis"):
        create_estimator("qqqqqq")


def test_a_missing_dependency_is_reported_with_how_to_install_it(monkeypatch):
    entry = dataclasses.replace(ESTIMATORS["dis"], missing=lambda: "OpenCV is absent: pip install it")
    monkeypatch.setitem(ESTIMATORS, "dis", entry)
    for name in ("dis", "auto"):
        with pytest.raises(VstError, match="not ready: OpenCV is absent: pip install"):
            create_estimator(name)


@pytest.mark.parametrize(
    ("device", "ready", "chosen"),
    [("cuda", True, "flownet2"), ("cuda", False, "dis"), ("cpu", True, "dis"), ("cpu", False, "dis")],
)
def test_auto_is_flownet2_on_cuda_if_it_is_imported_else_dis(monkeypatch, device, ready, chosen):
    asked = []
    for name in ("flownet2", "dis"):
        entry = dataclasses.replace(
            ESTIMATORS[name],
            missing=lambda name=name: None if ready or name == "dis" else "it is not imported",
            factory=lambda *place, name=name: asked.append((name, *place)),
        )
        monkeypatch.setitem(ESTIMATORS, name, entry)
    create_estimator("auto", device=torch.device(device), precision=torch.bfloat16)
    assert asked == [(chosen, torch.device(device), torch.bfloat16)]
    assert automatic(torch.device(device)) == chosen


def test_by_default_a_network_runs_on_a_gpu_if_there_is_one_and_in_fp32(monkeypatch):
    asked = []
    entry = dataclasses.replace(
        ESTIMATORS["pwcnet"], missing=lambda: None, factory=lambda *place: asked.append(place)
    )
    monkeypatch.setitem(ESTIMATORS, "pwcnet", entry)
    for there, device in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        create_estimator("pwcnet")
        assert asked.pop() == (torch.device(device), torch.float32)


def test_an_estimator_that_is_not_ready_is_refused_before_it_is_created(monkeypatch):
    entry = dataclasses.replace(
        ESTIMATORS["pwcnet"],
        missing=lambda: "it is not imported: import it",
        factory=lambda *place: pytest.fail("made"),
    )
    monkeypatch.setitem(ESTIMATORS, "pwcnet", entry)
    for refuse in (check_estimator, create_estimator):
        with pytest.raises(VstError, match="'pwcnet' is not ready: it is not imported: import it"):
            refuse("pwcnet")
    check_estimator("auto")


def test_the_registry_contains_every_network():
    assert {
        "flownet2",
        "flownet2-c",
        "flownet2-s",
        "flownet2-sd",
        "flownet2-cs",
        "flownet2-css",
        "flownet2-css-ft-sd",
        "pwcnet",
        "raft-small",
        "raft-large",
    } <= set(ESTIMATORS)


def test_dis_is_not_ready_without_opencv(monkeypatch):
    monkeypatch.setattr(registry_module.importlib.util, "find_spec", lambda name: None)
    assert not ESTIMATORS["dis"].ready()


def test_registry_entries_are_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ESTIMATORS["dis"].description = "something else"  # type: ignore[misc]


def test_importing_the_package_loads_neither_opencv_nor_the_scene_detector():
    code = "import sys, vst.motion; print([m for m in ('cv2', 'scenedetect', 'av') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
