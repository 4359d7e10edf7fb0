"""Charts as SVG that the server draws, each with the table of its values. Pure: nothing here reads the database."""

from analytics.charts.drawing import draw
from analytics.charts.model import Resolution, Series, TimeChart, Tone, Unit
from analytics.charts.shown import LegendItem, ShownChart, shown
from analytics.charts.small import share, sparkline

__all__ = [
    "LegendItem",
    "Resolution",
    "Series",
    "ShownChart",
    "TimeChart",
    "Tone",
    "Unit",
    "draw",
    "share",
    "shown",
    "sparkline",
]
