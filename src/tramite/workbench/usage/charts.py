"""Sums as pictures. Knows no Streamlit, and no language: what is written on them is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from tramite.store.reading import Sums

MOST = 12
"""The largest so many are drawn; the table has all."""
_BAR, _AROUND = 26, 60

Row = dict[str, Any]


def cost_by_day(sums: Sequence[Sums], cost: str) -> alt.Chart:
    """What each day cost, where it is known."""
    rows = [{"day": one.group[0], "value": _dollars(one)} for one in sums]
    return _bars(
        rows,
        240,
        x=_day(),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(format="$~g")),
        tooltip=[_day_told(), alt.Tooltip("value:Q", title=cost, format="$.6~f")],
    )


def tokens_by_day(sums: Sequence[Sums], tokens: str, ways: tuple[str, str]) -> alt.Chart:
    """The tokens of each day, those that went in and those that came out."""
    return _bars(
        _tokens(sums, ways),
        240,
        x=_day(),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(format="~s")),
        color=_colour(ways),
        order=alt.Order("rank:Q"),
        tooltip=[_day_told(), alt.Tooltip("way:N", title=" "), alt.Tooltip("value:Q", title=tokens, format=",")],
    )


def cost_by_name(sums: Sequence[Sums], cost: str, nobody: str) -> alt.Chart:
    """What each cost, the dearest first."""
    rows = [
        {"name": one.group[0] or nobody, "value": _dollars(one)}
        for one in sorted(sums, key=lambda one: -(one.cost_nanousd or 0))[:MOST]
    ]
    return _bars(
        rows,
        _height(len(rows)),
        y=_name(),
        x=alt.X("value:Q", title=None, axis=alt.Axis(format="$~g", tickCount=4)),
        tooltip=[alt.Tooltip("name:N", title=" "), alt.Tooltip("value:Q", title=cost, format="$.6~f")],
    )


def tokens_by_name(sums: Sequence[Sums], tokens: str, ways: tuple[str, str], nobody: str) -> alt.Chart:
    """The tokens of each, the most first."""
    most = sorted(sums, key=lambda one: -((one.input_tokens or 0) + (one.output_tokens or 0)))[:MOST]
    rows = [{**row, "name": row["day"] or nobody} for row in _tokens(most, ways)]
    return _bars(
        rows,
        _height(len(most)) + 30,
        y=_name(),
        x=alt.X("value:Q", title=None, axis=alt.Axis(format="~s", tickCount=4)),
        color=_colour(ways),
        order=alt.Order("rank:Q"),
        tooltip=[
            alt.Tooltip("name:N", title=" "),
            alt.Tooltip("way:N", title=" "),
            alt.Tooltip("value:Q", title=tokens, format=","),
        ],
    )


def times(sums: Sequence[Sums], field: str, seconds: str) -> alt.Chart:
    """The median and the 95th percentile of each model: `field` is `first_token` or `total`."""
    known = [one for one in sums if getattr(one, f"{field}_p50_s") is not None]
    busiest = sorted(known, key=lambda one: -one.requests)[:MOST]
    rows = [
        {"name": one.group[0], "share": share, "value": getattr(one, f"{field}_{share}_s")}
        for one in busiest
        for share in ("p50", "p95")
    ]
    return _bars(
        rows,
        _height(len(busiest), 34) + 30,
        y=_name(),
        yOffset=alt.YOffset("share:N"),
        x=alt.X("value:Q", title=seconds, axis=alt.Axis(tickCount=4)),
        color=_colour(("p50", "p95"), "share"),
        tooltip=[
            alt.Tooltip("name:N", title=" "),
            alt.Tooltip("share:N", title=" "),
            alt.Tooltip("value:Q", title=seconds, format=".3f"),
        ],
    )


def _bars(rows: Sequence[Row], height: int, **channels: Any) -> alt.Chart:
    chart: alt.Chart = alt.Chart({"values": list(rows)}).mark_bar().encode(**channels).properties(height=height)
    return chart


def _tokens(sums: Sequence[Sums], ways: tuple[str, str]) -> list[Row]:
    return [
        {"day": one.group[0], "way": way, "rank": rank, "value": value}
        for one in sums
        for rank, (way, value) in enumerate(zip(ways, (one.input_tokens, one.output_tokens), strict=True))
        if value is not None
    ]


def _day() -> alt.X:
    """A bar is as wide as a day, which is one of UTC, whatever the browser's own time is."""
    return alt.X(
        "day:T",
        timeUnit=alt.TimeUnitParams(unit="yearmonthdate", utc=True),
        title=None,
        axis=alt.Axis(format="%d/%m", labelAngle=0, labelOverlap=True, tickCount=8),
        scale=alt.Scale(type="utc"),
    )


def _day_told() -> alt.Tooltip:
    return alt.Tooltip("day:N", title="UTC")


def _name() -> alt.Y:
    return alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelLimit=140, ticks=False))


def _colour(names: tuple[str, str], field: str = "way") -> alt.Color:
    return alt.Color(f"{field}:N", title=None, sort=list(names), legend=alt.Legend(orient="top"))


def _height(bars: int, each: int = _BAR) -> int:
    return each * max(1, bars) + _AROUND


def _dollars(one: Sums) -> float | None:
    return None if one.cost_nanousd is None else one.cost_nanousd / 1e9
