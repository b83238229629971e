"""Options that several commands share; those of a render come from its table, `RenderSettings`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

import click

from vst.cli.console import console_of
from vst.cli.nearest import NearestChoice
from vst.errors import UsageError
from vst.pipeline.option_groups.machine import PRECISIONS
from vst.pipeline.option_values import parse_frame_rate
from vst.pipeline.options import NamedOption, Option, options_of
from vst.pipeline.regions.region import NONE
from vst.pipeline.settings import RenderSettings
from vst.stream_paths import STDIN, STDOUT


class Parsed(click.ParamType):
    """A value that a function parses.

    Args:
        parse: Takes the text; raises `UsageError` or ValueError for text that it does not accept.
        name: Stands for the value in ``--help``.
    """

    def __init__(self, parse: Callable[[str], Any], name: str) -> None:
        self._parse = parse
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The parsed value; one that is not text is a default."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except (UsageError, ValueError) as error:
            self.fail(str(error), param, ctx)


class PathOrStream(click.ParamType):
    """A path, or ``-`` for standard input or output; a file of that name is ``./-``."""

    name = "path"

    def __init__(self, dash: Path) -> None:
        self._dash = dash

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path."""
        return self._dash if value == "-" else Path(value)


INPUT_PATH = PathOrStream(STDIN)
OUTPUT_PATH = PathOrStream(STDOUT)


class FrameRate(Parsed):
    """``25``, ``23.976`` or ``24000/1001``; the usual decimals of NTSC mean its fractions."""

    def __init__(self) -> None:
        super().__init__(parse_frame_rate, "RATE")


class SectionOption(click.Option):
    """An option that help shows under a heading of its own.

    Args:
        section: The heading; "" for that of click.
        **others: What `click.Option` takes.
    """

    def __init__(self, *flags: Any, section: str = "", **others: Any) -> None:
        super().__init__(*flags, **others)
        self.section = section


class SectionCommand(click.Command):
    """A command whose help shows options by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does, with a list for each section after the first."""
        sections: dict[str, list[tuple[str, str]]] = {"": []}
        for each in self.get_params(ctx):
            record = each.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(each, "section", ""), []).append(record)
        for title, records in sections.items():
            with formatter.section(title or "Options"):
                formatter.write_dl(records)


Command = TypeVar("Command", bound=Callable[..., Any])


def _add(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator; help shows them in the order given."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _more(context: click.Context, parameter: click.Parameter, value: int) -> None:
    console = console_of(context)
    console.verbosity += value
    console.start_logging()


def _less(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    console = console_of(context)
    console.verbosity -= value
    console.start_logging()


def _json(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    console_of(context).json = value


verbose_option = click.option(
    "-v",
    "--verbose",
    count=True,
    is_eager=True,
    expose_value=False,
    callback=_more,
    help="More messages; -vv adds tracebacks.",
)
quiet_option = click.option(
    "-q",
    "--quiet",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_less,
    help="Errors only.",
)
json_option = click.option(
    "--json",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_json,
    help="One JSON object a line on stdout; everything else on stderr.",
)
output_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The file to write.",
)
weights_dir_option = click.option(
    "--weights-dir",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Look for weights in this folder first.",
)

device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="DEVICE",
    help="auto, cpu, cuda, cuda:N or mps (Apple, untested).",
)
precision_option = click.option(
    "--precision",
    type=NearestChoice(PRECISIONS),
    default="auto",
    show_default=True,
    help="Floating-point type of the networks.",
)

talk_options = _add(json_option, verbose_option, quiet_option)

_ray_option = click.option(
    "--ray",
    metavar="auto|local|ADDRESS",
    help="Render on the nodes of a Ray cluster: auto for the one that this machine belongs to, local for "
    "all cores of this machine, or the address of its head, such as 10.0.0.1:6379.",
)
_mixed_option = click.option(
    "--allow-mixed",
    is_flag=True,
    help="With --ray: also use nodes whose frames would differ in their last bits from the others'.",
)
ray_options = _add(_ray_option, _mixed_option)


def check_ray(ray: str | None, allow_mixed: bool) -> None:
    """Refuse `ray_options` that do not fit together."""
    if allow_mixed and ray is None:
        raise UsageError("--allow-mixed is for renders on several machines: give --ray, or leave it out")


def click_options(
    settings: type[Any], *, batch: bool = False, only: Collection[str] | None = None
) -> list[Callable[[Command], Command]]:
    """The options of a settings class for click, in the order of its fields.

    Args:
        settings: The table: a dataclass of `vst.pipeline.options`.
        batch: Only the options of `vst batch`.
        only: Only these fields; None: all.
    """
    return [
        _click_option(each, batch)
        for each in options_of(settings)
        if (each.option.in_batch or not batch) and (only is None or each.name in only)
    ]


def some_options(*tables: tuple[type[Any], Collection[str] | None]) -> Callable[[Command], Command]:
    """Options of several settings classes, each with its fields or None for all, as one decorator."""
    chosen = [each for table, names in tables for each in click_options(table, only=names)]
    return _add(*chosen, talk_options)


def _click_option(named: NamedOption, batch: bool) -> Callable[[Command], Command]:
    about = named.option
    flags = [about.short] if about.short else []
    shown: bool | str = about.default_text or (
        about.type is not bool and named.default is not None and not about.repeats
    )
    kind: dict[str, Any]
    if about.type is bool:
        flags.append(f"{named.flag}/--no-{named.flag[2:]}" if named.default else named.flag)
        kind = {"is_flag": True}
    elif about.choices is not None:
        flags.append(named.flag)
        kind = {"type": NearestChoice(about.choices)}
    else:
        flags.append(named.flag)
        kind = {"type": _click_type(about), "metavar": about.metavar, "multiple": about.repeats is not None}
    text = about.batch_help if batch and about.batch_help else about.help
    kind |= {"cls": SectionOption, "section": named.section}
    return click.option(*flags, named.name, default=named.default, show_default=shown, help=text, **kind)


def _click_type(about: Option) -> Any:
    if about.type is Path:
        return click.Path(path_type=Path)
    if about.type in (str, int, float):
        return about.type
    return Parsed(about.type, about.metavar or "TEXT")


def render_options(*, batch: bool = False) -> Callable[[Command], Command]:
    """The options of a render, and those that every command has, as one decorator."""
    return _add(*click_options(RenderSettings, batch=batch), talk_options)


def settings_from(*, style: str | None, **options: Any) -> RenderSettings:
    """The settings for the values of `render_options`.

    Raises:
        UsageError: if no style was given, or an option does not accept its value.
    """
    if style in (None, NONE) and options.get("style_per_shot") is None and options.get("regions"):
        # The regions say all; what is outside of them is left as it is.
        options["elsewhere"] = options["elsewhere"] or NONE
        given = (options["elsewhere"], *(region.style for region in options["regions"]))
        style = next((each for each in given if each != NONE), style)
    if style is None and options.get("style_per_shot") is None:
        if options["strength"] == 0:
            return RenderSettings(style=NONE, **options)
        raise UsageError(f"no style given: {which_styles(options['weights_dir'])}")
    return RenderSettings(style=style, **options)


def which_styles(weights_dir: Path | None) -> str:
    """What the user can do if no style was given."""
    from vst.styles import load_catalogue

    catalogue = load_catalogue(weights_dir)
    if catalogue.styles:
        return f"pass --style with one of {', '.join(catalogue.styles)}"
    where = ", ".join(map(str, catalogue.folders)) or "any weights folder"
    return f"there are no weights in {where}; pass --weights-dir and --style"
