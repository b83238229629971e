"""The command is where the metadata says."""

from __future__ import annotations

import configparser
from pathlib import Path

import click

import vst.cli
from vst.cli.app import COMMANDS
from vst.cli.app import vst as group

ROOT = Path(__file__).parents[2]


def metadata() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_the_entry_point_is_the_command():
    entry = metadata()["options.entry_points"]["console_scripts"].split("=")
    assert [part.strip() for part in entry] == ["vst", "vst.cli:main"]
    assert callable(vst.cli.main)


def test_every_command_exists_and_has_a_help():
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.get_short_help_str()
