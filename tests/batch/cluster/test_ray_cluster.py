"""What Ray is started with, and what is said if it lets nobody in. Ray itself is not needed."""

from __future__ import annotations

import importlib.machinery
import os
import sys
import types

import pytest

from vst.batch.cluster.ray_cluster import connected
from vst.errors import VstError


@pytest.fixture
def ray(monkeypatch):
    """Stands in for Ray; `started` has the environment and the options of each start."""
    for name in [each for each in os.environ if each.startswith("RAY_")]:
        monkeypatch.delenv(name)
    fake = types.ModuleType("ray")
    fake.__spec__ = importlib.machinery.ModuleSpec("ray", None)
    fake.started, fake.error = [], None

    def init(**options):
        fake.started.append((dict(os.environ), options))
        if fake.error is not None:
            raise fake.error

    fake.init, fake.shutdown, fake.is_initialized = init, lambda: None, lambda: False
    monkeypatch.setitem(sys.modules, "ray", fake)
    return fake


def test_a_local_cluster_has_a_token_and_no_usage_reports_and_no_dashboard(ray):
    with connected("local"):
        pass
    environment, options = ray.started[0]
    assert environment["RAY_USAGE_STATS_ENABLED"] == "0"
    assert environment["RAY_AUTH_MODE"] == "token"
    assert options["include_dashboard"] is False
    assert not [each for each in os.environ if each.startswith("RAY_")]


def test_a_cluster_of_the_user_has_the_authentication_of_the_user(ray, monkeypatch):
    with connected("10.0.0.1:6379"):
        pass
    assert "RAY_AUTH_MODE" not in ray.started[0][0]
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with connected("local"):
        pass
    assert ray.started[1][0]["RAY_AUTH_MODE"] == "disabled"


def caused(error, cause):
    """An error with its cause."""
    error.__cause__ = cause
    return error


TOKEN = RuntimeError("Last error: ray.exceptions.AuthenticationError: InvalidAuthToken")


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("10.0.0.1:6379", caused(ConnectionError("failed"), TOKEN), r"asks for a token: set RAY_AUTH_MODE"),
        ("10.0.0.1:6379", RuntimeError("timed out"), r"at 10.0.0.1:6379 cannot be reached from here"),
        ("auto", ConnectionError("none found"), r"no Ray cluster is running on this machine"),
        (
            "local",
            RuntimeError("no shared memory"),
            r"Ray does not start on this machine \(RuntimeError: no",
        ),
    ],
)
def test_a_cluster_that_cannot_be_joined_is_an_error_of_one_line(ray, address, error, message):
    ray.error = error
    with pytest.raises(VstError, match=message) as found, connected(address):
        pass
    assert len(str(found.value).splitlines()) == 1
