"""A sheet of pictures in rows and columns, with headings."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageOps

from vst.styles.lettering import drawable, font, wrap

PAPER, EMPTY, INK, FAINT = "#faf9f7", "#ebe9e4", "#1b1a18", "#6f6c66"

_MARGIN, _GAP, _HEADING, _SIDE, _CORNER = 32, 12, 44, 112, 34
_LETTERS, _LEADING = 17, 23
_WIDEST = 320


def draw_grid(
    title: str,
    columns: Sequence[str],
    rows: Sequence[str],
    pictures: Sequence[Sequence[Image.Image | None]],
) -> Image.Image:
    """Draw a grid.

    Args:
        title: Above everything.
        columns: A heading for each column.
        rows: One for each row.
        pictures: By row, RGB, all of one size; None leaves a plain cell.
    """
    sizes = [each.size for row in pictures for each in row if each is not None]
    width, height = sizes[0] if sizes else (_WIDEST, _WIDEST)
    width, height = min(width, _WIDEST), round(height * min(1.0, _WIDEST / width))
    left, top = _MARGIN + _SIDE, _MARGIN + _CORNER + _HEADING
    whole = (
        left + len(columns) * (width + _GAP) - _GAP + _MARGIN,
        top + len(rows) * (height + _GAP) - _GAP + _MARGIN,
    )
    sheet = Image.new("RGB", whole, PAPER)
    draw = ImageDraw.Draw(sheet)
    inner = whole[0] - 2 * _MARGIN
    draw.text((_MARGIN, _MARGIN), wrap(drawable(title), _LETTERS, inner, 1)[0], INK, font(_LETTERS))
    for column, heading in enumerate(columns):
        middle = left + column * (width + _GAP) + width / 2
        for number, line in enumerate(wrap(drawable(heading), _LETTERS, width, 1)):
            at = middle, top - _HEADING / 2 + number * _LEADING
            draw.text(at, line, FAINT, font(_LETTERS), anchor="mm")
    for row, heading in enumerate(rows):
        down = top + row * (height + _GAP)
        for number, line in enumerate(wrap(drawable(heading), _LETTERS, _SIDE - _GAP, height // _LEADING)):
            draw.text((_MARGIN, down + number * _LEADING), line, FAINT, font(_LETTERS))
        for column, picture in enumerate(pictures[row]):
            across = left + column * (width + _GAP)
            if picture is None:
                draw.rectangle((across, down, across + width - 1, down + height - 1), fill=EMPTY)
            else:
                fitted = ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
                sheet.paste(fitted, (across, down))
    return sheet
