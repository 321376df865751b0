"use strict";
// The plots of a report: attributes, histograms, balance of the splits.

function attributePlot(title, text, read, options) {
  const rows = attributeNames()
    .map(name => ({ name: words(name), values: attributeRows(name).map(row => (row ? read(row) : null)) }))
    .filter(row => row.values.some(value => value !== null))
    .sort((a, b) => (b.values[0] ?? -1) - (a.values[0] ?? -1));
  return rows.length ? plot(title, text, bars(title, rows, options), datasetLegend()) : null;
}

function entropyPlot() {
  const ceilings = REPORTS.map(report => Math.log2(Math.max(1, report.target.identities)));
  const same = TWO && Math.abs(ceilings[0] - ceilings[1]) < 0.01;
  const most = Math.max(1, ...ceilings, ...REPORTS.flatMap(report => report.attributes.map(row => row.entropy)));
  const limits = (same ? ceilings.slice(0, 1) : ceilings).map((at, i) => ({
    at,
    name: `log₂ N = ${decimal(at, 1)}${TWO && !same ? ` in ${NAMES[i]}` : ""}`,
  }));
  return attributePlot(
    "Entropy of each attribute",
    `In bits; at most log₂ N, where all ${TWO ? "N" : whole(DATA.report.target.identities)} people differ. ` +
      "The longer, the harder to guess.",
    row => row.entropy,
    { most, show: value => decimal(value), limits },
  );
}

function sharePlot() {
  const most = Math.max(0.1, ...REPORTS.flatMap(report => report.attributes.map(row => row.top_share ?? 0)));
  return attributePlot(
    "Most frequent value",
    "The share of people who have it: what a guess that always gives this value scores.",
    row => row.top_share,
    { most, show: percent },
  );
}

// --- histograms ---

/** Series as shares of their own total, so that groups of different sizes can be laid over each other. */
function shares(histogram) {
  return Object.entries(histogram.series)
    .map(([name, counts]) => {
      const total = sum(counts);
      return { name, total, shares: counts.map(count => (total ? count / total : 0)) };
    })
    .filter(series => series.total);
}

/** Between which edges there is anything. */
function filled(histogram) {
  const counts = Object.values(histogram.series);
  const bins = histogram.edges
    .slice(0, -1)
    .map((_, i) => i)
    .filter(i => counts.some(series => series[i]));
  return [histogram.edges[bins[0]], histogram.edges[bins.at(-1) + 1]];
}

function steps(histogram, heights, x, y) {
  const [from, to] = filled(histogram);
  const inside = heights
    .map((height, i) => [height, histogram.edges[i], histogram.edges[i + 1]])
    .filter(([, left, right]) => left >= from && right <= to);
  return `M${x(from)},${y(0)}${inside.map(([height, , right]) => `V${y(height)}H${x(right)}`).join("")}V${y(0)}`;
}

function histogramPanel(histogram, [from, to], highest, title) {
  return width => {
    const [left, right, top, bottom, height] = [38, 10, 8, 34, 190];
    const x = value => Number((left + ((value - from) / (to - from || 1)) * (width - left - right)).toFixed(1));
    const y = share => Number((height - bottom - (share / highest) * (height - bottom - top)).toFixed(1));
    const chart = canvas(width, height, title);
    for (const share of ticks(0, highest, 3)) {
      chart.append(
        svg("line", { class: "grid", x1: left, x2: width - right, y1: y(share), y2: y(share) }),
        label(left - 6, y(share) + 4, `${Number((share * 100).toPrecision(3))}\u00a0%`, {
          class: "soft",
          "text-anchor": "end",
          "font-size": 11,
        }),
      );
    }
    shares(histogram).forEach((series, i) =>
      chart.append(svg("path", { class: `area series-${i % 6}`, d: steps(histogram, series.shares, x, y) })),
    );
    chart.append(svg("line", { class: "axis", x1: left, x2: width - right, y1: y(0), y2: y(0) }));
    for (const value of ticks(from, to, Math.max(2, Math.floor((width - left) / 70)))) {
      chart.append(
        svg("line", { class: "axis", x1: x(value), x2: x(value), y1: y(0), y2: y(0) + 4 }),
        label(x(value), y(0) + 16, whole(value), { class: "soft", "text-anchor": "middle", "font-size": 11 }),
      );
    }
    if (from < 0 && to > 0) chart.append(svg("line", { class: "limit", x1: x(0), x2: x(0), y1: top, y2: y(0) }));
    chart.append(
      label(width - right, height - 2, histogram.unit, { class: "soft", "text-anchor": "end", "font-size": 11 }),
    );
    return chart;
  };
}

function histogramTable(histogram) {
  const series = Object.entries(histogram.series);
  return h(
    "details",
    { class: "fold" },
    h("summary", {}, "Counts"),
    h(
      "div",
      { class: "box" },
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, `From – to, ${histogram.unit}`),
            series.map(([name]) => h("th", { scope: "col", class: "number" }, name)),
          ),
        ),
        h(
          "tbody",
          {},
          histogram.edges.slice(0, -1).map((edge, i) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, `${edge} – ${histogram.edges[i + 1]}`),
              series.map(([, counts]) => h("td", { class: "number" }, whole(counts[i]))),
            ),
          ),
        ),
      ),
    ),
  );
}

function outline(i) {
  return () => svg("rect", { class: `area series-${i % 6}`, x: 1, y: 1, width: 14, height: 10 });
}

/** The panels of one kind of histogram, one a dataset, over the same axes. */
function histogramPlot(name) {
  const found = REPORTS.map(report => report.histograms[name] ?? null);
  const drawable = found.filter(histogram => histogram && shares(histogram).length);
  if (!drawable.length) return null;
  const ranges = drawable.map(filled);
  const range = [Math.min(...ranges.map(([from]) => from)), Math.max(...ranges.map(([, to]) => to))];
  const highest = Math.max(...drawable.flatMap(histogram => shares(histogram).flatMap(series => series.shares))) || 1;
  return panels(
    drawable.length,
    h("figcaption", {}, h("h3", {}, drawable[0].title), h("p", {}, "Each group as shares of its own total.")),
    found.map((histogram, i) => {
      const text = TWO ? NAMES[i] : "";
      if (!drawable.includes(histogram))
        return TWO ? h("p", { class: "small muted" }, `${text}: nothing to look at`) : null;
      return plot(
        "",
        text,
        histogramPanel(histogram, range, highest, `${histogram.title} ${text}`),
        legend(shares(histogram).map((series, s) => [`${series.name} (${whole(series.total)})`, outline(s)])),
        histogramTable(histogram),
      );
    }),
  );
}

// --- splits ---

/** The splits worth comparing; "others" are in neither set. */
const comparedSplits = report =>
  Object.keys(report.strata)
    .filter(name => name !== "others")
    .slice(0, 4);

function dot(x, y, i) {
  const common = { class: `dot series-${i % 6}` };
  if (i < 2) return svg("circle", { ...common, cx: x, cy: y, r: i ? 4.5 : 4 });
  return svg("rect", {
    ...common,
    x: x - 4,
    y: y - 4,
    width: 8,
    height: 8,
    transform: i > 2 ? `rotate(45 ${x} ${y})` : null,
  });
}

function strataShares(report) {
  return comparedSplits(report).map(split => {
    const counts = report.strata[split];
    const total = sum(Object.values(counts));
    return { split, total, share: stratum => (total ? (counts[stratum] ?? 0) / total : 0) };
  });
}

function strataOf(report) {
  return [...new Set(comparedSplits(report).flatMap(split => Object.keys(report.strata[split])))].sort((a, b) =>
    a.localeCompare(b, "en", { numeric: true }),
  );
}

function strataPanel(report, strata, most, title) {
  const splits = strataShares(report);
  return width => {
    const [left, right, row, bottom] = [room(strata, width, 0.5), 16, 24, 34];
    const height = strata.length * row + bottom;
    const x = share => left + (share / most) * (width - left - right);
    const chart = canvas(width, height, title);
    for (const share of ticks(0, most, Math.max(2, Math.floor((width - left) / 70)))) {
      chart.append(
        svg("line", { class: "grid", x1: x(share), x2: x(share), y1: 0, y2: height - bottom }),
        label(x(share), height - bottom + 16, `${Number((share * 100).toPrecision(3))}\u00a0%`, {
          class: "soft",
          "text-anchor": "middle",
          "font-size": 11,
        }),
      );
    }
    strata.forEach((stratum, number) => {
      const y = number * row + row / 2;
      const found = splits.map(split => split.share(stratum));
      chart.append(
        label(left - 12, y + 4, cut(stratum, left - 12), { "text-anchor": "end" }),
        svg("line", { class: "link", x1: x(Math.min(...found)), x2: x(Math.max(...found)), y1: y, y2: y }),
        ...found.map((share, i) => dot(x(share), y, i)),
      );
    });
    return chart;
  };
}

function strataTable(report, strata) {
  const splits = Object.keys(report.strata);
  return h(
    "details",
    { class: "fold" },
    h("summary", {}, "People in all splits"),
    h(
      "div",
      { class: "box" },
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, "Stratum"),
            splits.map(split => h("th", { scope: "col", class: "number" }, split)),
          ),
        ),
        h(
          "tbody",
          {},
          strata.map(stratum =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, stratum),
              splits.map(split => h("td", { class: "number" }, whole(report.strata[split][stratum] ?? 0))),
            ),
          ),
        ),
      ),
    ),
  );
}

function strataPlot() {
  const drawable = REPORTS.filter(report => strataOf(report).length);
  if (!drawable.length) return null;
  const most = Math.max(
    0.01,
    ...drawable.flatMap(report =>
      strataOf(report).flatMap(stratum => strataShares(report).map(split => split.share(stratum))),
    ),
  );
  return panels(
    drawable.length,
    h(
      "figcaption",
      {},
      h("h3", {}, "Balance of the splits"),
      h("p", {}, "The share of a split's people in each stratum; marks that lie together mean balance."),
    ),
    REPORTS.map((report, i) => {
      const strata = strataOf(report);
      if (!strata.length) return TWO ? h("p", { class: "small muted" }, `${NAMES[i]}: nothing to look at`) : null;
      const text = TWO ? NAMES[i] : "";
      return plot(
        "",
        text,
        strataPanel(report, strata, most, `Balance of the splits ${text}`),
        legend(strataShares(report).map(({ split, total }, s) => [`${split} (${whole(total)})`, () => dot(8, 6, s)])),
        strataTable(report, strata),
      );
    }),
  );
}

function showPlots() {
  const histograms = [...new Set(REPORTS.flatMap(report => Object.keys(report.histograms)))];
  const found = [entropyPlot(), sharePlot(), ...histograms.map(histogramPlot), strataPlot()].filter(Boolean);
  if (found.length) section("plots", "Plots", h("div", { class: "plots" }, found));
}
