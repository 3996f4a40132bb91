"""Sums as pictures. Knows no Streamlit, and no language: what is written on them is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import altair as alt

from tramite.store.reading import Sums

MOST = 12
"""The largest so many are drawn; the table has all."""
LEAST_DAYS = 7
_BAR, _AROUND = 26, 70

Row = dict[str, Any]


def cost_by_day(sums: Sequence[Sums], cost: str) -> alt.Chart:
    """What each day cost, where it is known."""
    rows = [{"day": one.group[0], "value": _dollars(one)} for one in sums]
    return _bars(
        rows,
        240,
        x=_day(sums),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(format="$~g")),
        tooltip=[_day_told(), alt.Tooltip("value:Q", title=cost, format="$.6~f")],
    )


def tokens_by_day(sums: Sequence[Sums], tokens: str, ways: tuple[str, str]) -> alt.Chart:
    """The tokens of each day, those that went in and those that came out."""
    return _bars(
        _tokens(sums, ways),
        240,
        x=_day(sums),
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
        _height(len(most)) + 40,
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
        _height(len(busiest), 34) + 60,
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


def days(sums: Sequence[Sums]) -> list[str]:
    """Every day from the first to the last, and a week at least: a day on which nothing was asked is a gap."""
    first, last = (date.fromisoformat(one.group[0]) for one in (sums[0], sums[-1]))
    count = max(LEAST_DAYS, (last - first).days + 1)
    return [(last - timedelta(days=ago)).isoformat() for ago in reversed(range(count))]


def _day(sums: Sequence[Sums]) -> alt.X:
    return alt.X(
        "day:O",
        title=None,
        scale=alt.Scale(domain=days(sums)),
        axis=alt.Axis(
            labelExpr="slice(datum.value, 8, 10) + '/' + slice(datum.value, 5, 7)",
            labelAngle=0,
            labelOverlap=True,
            ticks=False,
        ),
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
