"""Mistakes get one line with the nearest name, and exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from vst import __version__


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["stlyes"], "unknown command 'stlyes': did you mean 'styles'? (see 'vst --help')"),
        (
            ["render", "a", "--stlye", "b"],
            "no such option --stlye: did you mean '--style'? (see 'vst render --help')",
        ),
        (["render"], "missing argument 'CLIP' (see 'vst render --help')"),
        (
            ["render", "a", "--precision", "fp23"],
            "invalid value for '--precision': 'fp23' is unknown: did you mean 'fp32'? "
            "(see 'vst render --help')",
        ),
        (
            ["render", "a", "--tile", "large"],
            "invalid value for '--tile': 'large' is not auto, off or a number of pixels "
            "(see 'vst render --help')",
        ),
        (
            ["weights", "verfy"],
            "unknown command 'verfy': did you mean 'verify'? (see 'vst weights --help')",
        ),
        (
            ["weights", "fetch", "vgg61"],
            "invalid value for 'vgg16|vgg19|raft-small|raft-large': 'vgg61' is unknown: "
            "did you mean 'vgg19'? (see 'vst weights fetch --help')",
        ),
    ],
)
def test_a_mistake_gets_one_line(vst, arguments, line):
    outcome = vst(*arguments)
    assert outcome.code == 2
    assert outcome.err == f"vst: error: {line}\n"
    assert outcome.out == ""


def test_a_missing_style_gets_the_list_of_styles(vst, weights, monkeypatch):
    monkeypatch.setattr("vst.styles.catalog.weight_folders", lambda given=None: [weights])
    outcome = vst("render", "clip.mov")
    assert outcome.code == 2
    assert outcome.err == "vst: error: no style given: pass --style with one of candy, wave\n"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--style", "candi"], "unknown style 'candi': did you mean 'candy'?"),
        (["--style", "candy 0s, wave 5s"], "wave; over time it is '0s:candy 5s:wave'"),
        (["--style", "candy", "--mode", "vtm"], "unknown mode 'vtm': did you mean 'vtn'?"),
        (["--style", "candy", "--quality", "bets"], "'bets' is unknown: did you mean 'best'?"),
        (["--style", "candy", "--flow", "diss"], "unknown flow estimator 'diss': did you mean 'dis'?"),
        (["--style", "candy", "--codec", "pores"], "did you mean 'prores'?"),
        (["--style", "candy", "--strength", "2"], "expected 0 (the clip) to 1 (the stylization)"),
        (["--style", "candy", "--scale", "1", "--size", "32"], "give one of them"),
        (["--style", "candy", "--device", "gpu"], "expected auto, cpu, cuda, cuda:n or mps"),
    ],
)
def test_a_mistyped_value_gets_one_line(vst, weights, clip, tmp_path, options, line):
    outcome = vst("render", clip, "-o", tmp_path / "out.mp4", "--weights-dir", weights, *options)
    assert outcome.code == 2
    assert outcome.err.startswith("vst: error: ")
    assert line in outcome.err
    assert outcome.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["render", "batch"])
def test_a_style_without_wide_weights_is_refused_where_they_are_asked_for(
    vst, weights, clip, tmp_path, monkeypatch, command
):
    monkeypatch.setattr("vst.styles.catalog.weight_folders", lambda given=None: [weights])
    source = clip if command == "render" else clip.parent
    outcome = vst(command, source, "-o", tmp_path / "out.mp4", "--style", "candy", "--quality", "standard")
    assert outcome.code == 2
    assert outcome.err == (
        "vst: error: quality 'standard' asks for weights of width 32 or more, which mode vtn lacks for "
        "'candy'; give --quality best for the widest there are\n"
    )
    assert not list(tmp_path.iterdir())


def test_a_mistyped_file_gets_the_nearest_name(vst, weights, clip: Path):
    outcome = vst("render", clip.with_name("clop.mp4"), "--style", "candy", "--weights-dir", weights)
    assert outcome.code == 1
    assert (
        outcome.err == f"vst: error: {clip.with_name('clop.mp4')} does not exist; did you mean clip.mp4?\n"
    )


def test_version_and_bare_call(vst):
    assert vst("--version").out == f"vst {__version__}\n"
    bare = vst()
    assert (bare.code, bare.err) == (0, "")
    assert "Stylize CLIP" in bare.out
    assert vst("weights").code == 0


@pytest.mark.parametrize(
    ("given", "tile"),
    [([], None), (["--tile", "auto"], None), (["--tile", "off"], 0), (["--tile", "256"], 256)],
)
def test_tiles_are_automatic_off_or_of_a_given_size(vst, monkeypatch, given, tile):
    seen = []
    monkeypatch.setattr("vst.pipeline.render", lambda clip, settings, *_, **__: seen.append(settings.tile))
    vst("render", "clip.mov", "--style", "candy", *given)
    assert seen == [tile]
