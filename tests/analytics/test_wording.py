"""How numbers read."""

import pytest

from analytics.charts import Series, shown
from analytics.pages.wording import milliseconds
from tests.analytics.test_charts import chart_of


@pytest.mark.parametrize(
    ("value", "words"), [(9.96, "10 ms"), (9_999, "9,999 ms"), (12_340, "12.3 s"), (1_000_000, "1,000 s")]
)
def test_latency_reads_the_same_in_charts_and_lists(value: float, words: str) -> None:
    chart = chart_of(Series("p95", [round(value)], "p95"), kind="lines", unit="ms")
    assert (milliseconds(value), shown(chart).legend[0].total) == (words, f"up to {words}")
