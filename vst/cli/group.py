"""A click group that imports a command only when it is used."""

from __future__ import annotations

from typing import Any

import click

from vst.errors import suggestion
from vst.lazy import attribute


class LazyGroup(click.Group):
    """Commands by name, each in its own module.

    Args:
        commands_at: Command name -> ``"module:attribute"``.
        **options: What `click.Group` takes.
    """

    def __init__(self, *, commands_at: dict[str, str], **options: Any) -> None:
        super().__init__(**options)
        self._commands_at = commands_at

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the help."""
        return list(self._commands_at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in self._commands_at:
            return None
        module, name = self._commands_at[cmd_name].split(":")
        command: click.Command = attribute(module, name)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Like click, but without arguments print the help."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click, but suggest the nearest name for an unknown command."""
        name = args[0]
        names = self.list_commands(ctx)
        if name not in names and not name.startswith("-"):
            ctx.fail(f"unknown command '{name}': {suggestion(name, names)}")
        return super().resolve_command(ctx, args)
