// A button on each chart that draws the table behind it with uPlot: drag to zoom, double-click to see all of it again.
"use strict";

const HEIGHT = 224;
const compact = new Intl.NumberFormat("en", { notation: "compact" });

for (const chart of document.querySelectorAll(".chart:has([data-zoom])")) addZoom(chart);

function addZoom(chart) {
  const button = chart.querySelector("[data-zoom]");
  const picture = chart.querySelector("[data-picture]");
  const still = picture.firstElementChild;
  let plot = null;
  button.hidden = false;
  button.addEventListener("click", () => {
    if (plot) {
      plot.destroy();
      plot = null;
    } else {
      plot = draw(chart, picture);
    }
    still.toggleAttribute("hidden", plot !== null);
    button.setAttribute("aria-pressed", plot !== null);
  });
  new ResizeObserver(() => plot?.setSize({ width: picture.clientWidth, height: HEIGHT })).observe(picture);
}

function draw(chart, picture) {
  const table = chart.querySelector("table");
  const rows = [...table.tBodies[0].rows];
  const names = rows.map((row) => row.cells[0].textContent);
  const times = rows.map((row) => Date.parse(row.querySelector("time").dateTime) / 1000);
  const bucket = times[1] - times[0];
  const { series, columns } = seriesOf(chart, table, rows);
  const zone = table.dataset.zone;
  const axis = { stroke: getComputedStyle(chart.querySelector(".chart-time")).fill, font: "12px sans-serif" };
  axis.grid = { stroke: getComputedStyle(chart.querySelector(".chart-grid")).stroke, width: 1 };
  axis.ticks = { show: false };
  return new uPlot({
    width: picture.clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    padding: [8, 12, 0, 0],
    cursor: { y: false },
    // Half a bucket more at each side, for the halves of the first and the last bar.
    scales: { x: { range: (_, least, most) => [least - bucket / 2, most + bucket / 2] }, y: { range: (_, least, most) => [0, most * 1.1 || 1] } },
    axes: [
      {
        ...axis, size: 28, grid: { show: false },
        // No times between two buckets.
        space: (_, __, least, most, width) => Math.max(56, (width * bucket) / (most - least)),
        values: (_, splits, __, ___, step) => splits.map(timeName(zone, step)),
      },
      { ...axis, size: 48, values: (_, splits) => splits.map((value) => compact.format(value).replace("K", "k")) },
    ],
    series: [{ label: table.tHead.rows[0].cells[0].textContent, value: (_, __, ___, index) => names[index] ?? "—" }, ...series],
  }, [times, ...columns], picture);
}

// What a chart stacks is here the sum of a series and those below it, the highest drawn first; the legend has its own value.
function seriesOf(chart, table, rows) {
  const series = [];
  const columns = [];
  let below = rows.map(() => 0);
  for (const [index, mark] of [...chart.querySelectorAll(".chart-marker > *")].entries()) {
    const cells = rows.map((row) => row.cells[index + 1].textContent);
    const values = cells.map((cell) => (cell === "—" ? null : Number(cell.replaceAll(",", ""))));
    const style = getComputedStyle(mark);
    const one = { label: table.tHead.rows[0].cells[index + 1].textContent, value: (_, __, ___, row) => cells[row] ?? "—" };
    if (mark.matches(".chart-bar")) {
      below = values.map((value, row) => below[row] + value);
      series.unshift({ ...one, fill: style.fill, points: { show: false }, paths: uPlot.paths.bars({ size: [0.8, 64] }) });
      columns.unshift(below);
    } else {
      series.push({ ...one, stroke: style.stroke, width: parseFloat(style.strokeWidth), dash: style.strokeDasharray.match(/\d+/g)?.map(Number) });
      columns.push(values);
    }
  }
  return { series, columns };
}

function timeName(zone, step) {
  const format = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
  const [time, day, month] = [{ hour: "2-digit", minute: "2-digit" }, { day: "numeric", month: "short" }, { month: "short", year: "numeric" }].map(format);
  return (seconds) => {
    const clock = time.format(seconds * 1000);
    if (step >= 28 * 86400) return month.format(seconds * 1000);
    return step >= 86400 || clock === "00:00" ? day.format(seconds * 1000) : clock;
  };
}
