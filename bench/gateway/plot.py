"""Lines and bars as SVG, by hand: a page of the repository shows them, and no library draws them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 320, 64, 16, 40, 48
COLOURS = ("#1f6feb", "#bf3989", "#1a7f37", "#9a6700")
GREY = "#768390"  # seen on white and on dark
STYLE = "font-family:system-ui,sans-serif;font-size:13px"
Point = tuple[float, float]


def lines(title: str, across: str, up: str, series: Mapping[str, Sequence[Point]]) -> str:
    """Points joined by lines, one colour for each series; the upright axis begins at 0."""
    most_x = max(x for points in series.values() for x, _ in points)
    most_y = _round(max(y for points in series.values() for _, y in points))
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(x: float, y: float) -> Point:
        return LEFT + wide * x / most_x, TOP + high * (1 - y / most_y)

    drawn = [_text(LEFT, 20, title, weight="bold"), _text(WIDTH - RIGHT, HEIGHT - 10, across, anchor="end")]
    for part in range(5):
        _, y = at(0, most_y * part / 4)
        drawn.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GREY}" stroke-opacity=".3"/>')
        drawn.append(_text(LEFT - 8, y + 4, f"{most_y * part / 4:g}", anchor="end"))
        x, _ = at(most_x * part / 4, 0)
        drawn.append(_text(x, HEIGHT - BOTTOM + 18, f"{most_x * part / 4:,.0f}", anchor="middle"))
    drawn.append(_text(LEFT, HEIGHT - 10, up))
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in (at(*point) for point in points))
        drawn.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn.append(_text(WIDTH - RIGHT - 200 * number, 20, name, anchor="end", colour=colour))
    return _drawing(HEIGHT, drawn)


def bars(title: str, values: Mapping[str, float], unit: str) -> str:
    """A bar for each, longest for the most, on a logarithmic scale that begins at a tenth of the least."""
    from math import log10

    least, row, names = log10(min(values.values())) - 0.5, 26, 250
    scale = (WIDTH - names - 130) / (log10(max(values.values())) - least)
    drawn = [_text(8, 20, f"{title} (logarithmic)", weight="bold")]
    for number, (name, value) in enumerate(values.items()):
        y, long = 36 + row * number, (log10(value) - least) * scale
        colour = COLOURS[0] if name.startswith("tramite") else GREY
        drawn.append(_text(names - 8, y + 14, name, anchor="end"))
        drawn.append(f'<rect x="{names}" y="{y}" width="{long:.1f}" height="{row - 8}" fill="{colour}"/>')
        drawn.append(_text(names + long + 6, y + 14, f"{value:,.0f} {unit}"))
    return _drawing(36 + row * len(values), drawn)


def _drawing(height: float, drawn: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" style="{STYLE}">'
    return "\n".join([head, *drawn, "</svg>"]) + "\n"


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal", colour: str = GREY) -> str:
    how = f'text-anchor="{anchor}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {how}>{escape(text)}</text>'


def _round(value: float) -> float:
    """The next of 1, 2, 4, 6, 8, 10, 20, 40 …"""
    step = 1.0
    while step * 10 < value:
        step *= 10
    return next(step * times for times in (1, 2, 4, 6, 8, 10) if step * times >= value)
