"use strict";
// Plots, drawn as SVG at the width that they have and drawn again when it changes.

const SIDE = 480; // from this width on, labels stand beside the bars and not above them

/** A figure: `draw(width)` makes an SVG element; `more` is what stands below it. */
function plot(title, text, draw, ...more) {
  const place = h("div");
  let drawn = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width > 0 && width !== drawn) {
      drawn = width;
      place.replaceChildren(draw(width));
    }
  }).observe(place);
  return h("figure", {}, (title || text) && h("figcaption", {}, title && h("h3", {}, title), text && h("p", {}, text)),
    place, ...more);
}

function canvas(width, height, label) {
  return svg("svg", { class: "chart", role: "img", "aria-label": label, width, height, viewBox: `0 0 ${width} ${height}` });
}

function label(x, y, text, attributes = {}) {
  return svg("text", { x, y, ...attributes }, text);
}

const LETTER = 6.7; // width of an average character, a little generously

/** The room that the longest of some labels wants, at most a share of the width. */
const room = (labels, width, share) => Math.min(Math.round(width * share), Math.ceil(Math.max(...labels.map(text => text.length)) * LETTER) + 12);

/** As much of a text as fits. */
function cut(text, width) {
  const fits = Math.max(4, Math.floor(width / LETTER));
  const characters = [...text]; // not halves of a surrogate pair
  return characters.length <= fits ? text : `${characters.slice(0, fits - 1).join("")}…`;
}

function legend(items) {
  return h("ul", { class: "legend" }, items.map(([name, shape]) =>
    h("li", {}, svg("svg", { viewBox: "0 0 16 12", "aria-hidden": "true" }, shape()), h("span", {}, name))));
}

const swatch = name => () => svg("rect", { class: name, x: 0, y: 2, width: 16, height: 8, rx: 1 });
const datasetLegend = () => (TWO ? legend(NAMES.map((name, i) => [name, swatch(SERIES[i])])) : null);

// --- bars -------------------------------------------------------------------------------------------------------------

/**
 * Horizontal bars: rows of {name, values (one a dataset, null where unknown)}; `limits` are dashed lines at values.
 * `show` writes a value.
 */
function bars(title, rows, { most, show, limits = [], classes = SERIES }) {
  return width => {
    const series = Math.max(...rows.map(row => row.values.length));
    const beside = width >= SIDE;
    const left = beside ? room(rows.map(entry => entry.name), width, 0.4) : 0;
    const right = 62;
    const [thick, gap] = [series > 1 ? 8 : 12, 2];
    const name = beside ? 0 : 16;
    const row = name + series * (thick + gap) + (beside ? 6 : 8);
    const top = limits.length * 15 + (limits.length ? 4 : 0);
    const scale = value => (value / most) * (width - left - right);
    const chart = canvas(width, top + rows.length * row, title);
    rows.forEach((entry, number) => {
      const y = top + number * row;
      chart.append(beside
        ? label(left - 8, y + (series * (thick + gap)) / 2 + 3, cut(entry.name, left - 8), { "text-anchor": "end" })
        : label(0, y + 11, cut(entry.name, width)));
      entry.values.forEach((value, i) => {
        const at = y + name + i * (thick + gap);
        chart.append(svg("rect", { class: "track", x: left, y: at, width: scale(most), height: thick }));
        if (value !== null) {
          chart.append(svg("rect", { class: classes[i], x: left, y: at, width: Math.max(scale(value), value > 0 ? 1 : 0), height: thick },
            svg("title", {}, `${entry.name}: ${show(value)}`)));
        }
        chart.append(label(left + scale(most) + 6, at + thick - (series > 1 ? 0 : 2), value === null ? "–" : show(value),
          { class: "soft", "font-size": series > 1 ? 10.5 : 12 }));
      });
    });
    limits.forEach(({ at, name: text }, i) => {
      const x = left + scale(at);
      chart.append(svg("line", { class: "limit", x1: x, x2: x, y1: i * 15 + 2, y2: top + rows.length * row }),
        label(x - 5, i * 15 + 12, text, { class: "soft", "text-anchor": "end" }));
    });
    return chart;
  };
}

function attributePlot(title, text, read, options) {
  const rows = attributeNames().map(name =>
    ({ name: words(name), values: attributeRows(name).map(row => (row ? read(row) : null)) }))
    .filter(row => row.values.some(value => value !== null))
    .sort((a, b) => (b.values[0] ?? -1) - (a.values[0] ?? -1));
  return rows.length ? plot(title, text, bars(title, rows, options), datasetLegend()) : null;
}

function entropyPlot() {
  const ceilings = REPORTS.map(report => Math.log2(Math.max(1, report.target.identities)));
  const same = TWO && Math.abs(ceilings[0] - ceilings[1]) < 0.01;
  const most = Math.max(1, ...ceilings, ...REPORTS.flatMap(report => report.attributes.map(row => row.entropy)));
  const limits = (same ? ceilings.slice(0, 1) : ceilings).map((at, i) =>
    ({ at, name: `log₂ N = ${decimal(at, 1)}${TWO && !same ? ` in ${NAMES[i]}` : ""}` }));
  return attributePlot("Entropy of each attribute",
    `In bits; at most log₂ N where ${TWO ? "all N people of a dataset" : `all ${whole(DATA.report.target.identities)} people`} differ. ` +
    "The longer, the harder to guess.",
    row => row.entropy, { most, show: value => decimal(value), limits });
}

function sharePlot() {
  const most = Math.max(0.1, ...REPORTS.flatMap(report => report.attributes.map(row => row.top_share ?? 0)));
  return attributePlot("Most frequent value",
    "The share of people who have it: what a guess that always gives this value scores.",
    row => row.top_share, { most, show: percent });
}

// --- histograms -------------------------------------------------------------------------------------------------------

/** About `wanted` round numbers between two. */
function ticks(from, to, wanted) {
  const rough = (to - from) / Math.max(1, wanted);
  if (!(rough > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(candidate => candidate >= rough);
  const found = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

const sum = numbers => numbers.reduce((total, number) => total + number, 0);

/** Series as shares of their own total, so that groups of different sizes can be laid over each other. */
function shares(histogram) {
  return Object.entries(histogram.series).map(([name, counts]) => {
    const total = sum(counts);
    return { name, total, shares: counts.map(count => (total ? count / total : 0)) };
  }).filter(series => series.total);
}

function steps(histogram, heights, x, y) {
  const points = heights.map((height, i) => `V${y(height)}H${x(histogram.edges[i + 1])}`);
  return `M${x(histogram.edges[0])},${y(0)}${points.join("")}V${y(0)}`;
}

function histogramPanel(histogram, [from, to], highest, title) {
  return width => {
    const [left, right, top, bottom, height] = [38, 10, 8, 34, 190];
    const x = value => Number((left + ((value - from) / (to - from || 1)) * (width - left - right)).toFixed(1));
    const y = share => Number((height - bottom - (share / highest) * (height - bottom - top)).toFixed(1));
    const chart = canvas(width, height, title);
    for (const share of ticks(0, highest, 3)) {
      chart.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(share), y2: y(share) }),
        label(left - 6, y(share) + 4, `${Number((share * 100).toPrecision(3))}\u00a0%`, { class: "soft", "text-anchor": "end", "font-size": 11 }));
    }
    shares(histogram).forEach((series, i) => chart.append(
      svg("path", { class: `area series-${i % 6}`, d: steps(histogram, series.shares, x, y) })));
    chart.append(svg("line", { class: "axis", x1: left, x2: width - right, y1: y(0), y2: y(0) }));
    for (const value of ticks(from, to, Math.max(2, Math.floor((width - left) / 70)))) {
      chart.append(svg("line", { class: "axis", x1: x(value), x2: x(value), y1: y(0), y2: y(0) + 4 }),
        label(x(value), y(0) + 16, whole(value), { class: "soft", "text-anchor": "middle", "font-size": 11 }));
    }
    if (from < 0 && to > 0) chart.append(svg("line", { class: "limit", x1: x(0), x2: x(0), y1: top, y2: y(0) }));
    chart.append(label(width - right, height - 2, histogram.unit, { class: "soft", "text-anchor": "end", "font-size": 11 }));
    return chart;
  };
}

function histogramTable(histogram) {
  const series = Object.entries(histogram.series);
  return h("details", { class: "fold" }, h("summary", {}, "Counts"), h("div", { class: "box" }, h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, `From – to, ${histogram.unit}`),
      series.map(([name]) => h("th", { scope: "col", class: "number" }, name)))),
    h("tbody", {}, histogram.edges.slice(0, -1).map((edge, i) => h("tr", {},
      h("th", { scope: "row" }, `${edge} – ${histogram.edges[i + 1]}`),
      series.map(([, counts]) => h("td", { class: "number" }, whole(counts[i])))))))));
}

function outline(i) {
  return () => svg("rect", { class: `area series-${i % 6}`, x: 1, y: 1, width: 14, height: 10 });
}

/** The panels of one kind of histogram, one a dataset, over the same axes. */
function histogramPlot(name) {
  const found = REPORTS.map(report => report.histograms[name] ?? null);
  const drawable = found.filter(histogram => histogram && shares(histogram).length);
  if (!drawable.length) return null;
  const range = [Math.min(...drawable.map(({ edges }) => edges[0])), Math.max(...drawable.map(({ edges }) => edges.at(-1)))];
  const highest = Math.max(...drawable.flatMap(histogram => shares(histogram).flatMap(series => series.shares))) || 1;
  return h("figure", {},
    h("figcaption", {}, h("h3", {}, drawable[0].title), h("p", {}, "Shares of each group.")),
    h("div", { class: "panels" }, found.map((histogram, i) => {
      const text = TWO ? NAMES[i] : "";
      if (!drawable.includes(histogram)) return TWO ? h("p", { class: "small muted" }, `${text}: nothing to look at`) : null;
      return plot("", text, histogramPanel(histogram, range, highest, `${histogram.title} ${text}`),
        legend(shares(histogram).map((series, s) => [`${series.name} (${whole(series.total)})`, outline(s)])),
        histogramTable(histogram));
    })));
}

// --- splits -----------------------------------------------------------------------------------------------------------

/** The splits worth comparing: what was learned on and applied to, if those are splits; else the first few. */
function comparedSplits(report) {
  const names = Object.keys(report.strata);
  const pair = [report.target.applied, report.target.learned].filter(name => names.includes(name));
  return pair.length === 2 ? pair : names.slice(0, 4);
}

function dot(x, y, i) {
  const common = { class: `dot series-${i % 6}` };
  if (i < 2) return svg("circle", { ...common, cx: x, cy: y, r: i ? 4.5 : 4 });
  return svg("rect", { ...common, x: x - 4, y: y - 4, width: 8, height: 8, transform: i > 2 ? `rotate(45 ${x} ${y})` : null });
}

function strataShares(report) {
  return comparedSplits(report).map(split => {
    const counts = report.strata[split];
    const total = sum(Object.values(counts));
    return { split, total, share: stratum => (total ? (counts[stratum] ?? 0) / total : 0) };
  });
}

function strataOf(report) {
  return [...new Set(comparedSplits(report).flatMap(split => Object.keys(report.strata[split])))];
}

function strataPanel(report, strata, most, title) {
  const splits = strataShares(report);
  return width => {
    const [left, right, row, bottom] = [room(strata, width, 0.5), 16, 24, 34];
    const height = strata.length * row + bottom;
    const x = share => left + (share / most) * (width - left - right);
    const chart = canvas(width, height, title);
    for (const share of ticks(0, most, Math.max(2, Math.floor((width - left) / 70)))) {
      chart.append(svg("line", { class: "grid", x1: x(share), x2: x(share), y1: 0, y2: height - bottom }),
        label(x(share), height - bottom + 16, `${Number((share * 100).toPrecision(3))}\u00a0%`, { class: "soft", "text-anchor": "middle", "font-size": 11 }));
    }
    strata.forEach((stratum, number) => {
      const y = number * row + row / 2;
      const found = splits.map(split => split.share(stratum));
      chart.append(label(left - 12, y + 4, cut(stratum, left - 12), { "text-anchor": "end" }),
        svg("line", { class: "link", x1: x(Math.min(...found)), x2: x(Math.max(...found)), y1: y, y2: y }),
        ...found.map((share, i) => dot(x(share), y, i)));
    });
    return chart;
  };
}

function strataTable(report, strata) {
  const splits = Object.keys(report.strata);
  return h("details", { class: "fold" }, h("summary", {}, "People in all splits"), h("div", { class: "box" }, h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Stratum"), splits.map(split => h("th", { scope: "col", class: "number" }, split)))),
    h("tbody", {}, strata.map(stratum => h("tr", {}, h("th", { scope: "row" }, stratum),
      splits.map(split => h("td", { class: "number" }, whole(report.strata[split][stratum] ?? 0)))))))));
}

function strataPlot() {
  const drawable = REPORTS.filter(report => strataOf(report).length);
  if (!drawable.length) return null;
  const most = Math.max(0.01, ...drawable.flatMap(report =>
    strataOf(report).flatMap(stratum => strataShares(report).map(split => split.share(stratum)))));
  return h("figure", {},
    h("figcaption", {}, h("h3", {}, "Balance of the splits"),
      h("p", {}, "The share of a split's people in each stratum; marks that lie together mean balance.")),
    h("div", { class: "panels" }, REPORTS.map((report, i) => {
      const strata = strataOf(report);
      if (!strata.length) return TWO ? h("p", { class: "small muted" }, `${NAMES[i]}: nothing to look at`) : null;
      const text = TWO ? NAMES[i] : "";
      return plot("", text, strataPanel(report, strata, most, `Balance of the splits ${text}`),
        legend(strataShares(report).map(({ split, total }, s) => [`${split} (${whole(total)})`, () => dot(8, 6, s)])),
        strataTable(report, strata));
    })));
}

function showPlots() {
  const histograms = [...new Set(REPORTS.flatMap(report => Object.keys(report.histograms)))];
  const found = [entropyPlot(), sharePlot(), ...histograms.map(histogramPlot), strataPlot()].filter(Boolean);
  if (found.length) section("plots", "Plots", h("div", { class: "plots" }, found));
}

// --- values of one attribute ------------------------------------------------------------------------------------------

const chosen = h("select", { id: "attribute", change: () => {
  history.replaceState(null, "", `#values-${encodeURIComponent(chosen.value)}`);
  drawValues();
} });
const valuePanels = h("div", { class: "plots" });

function valuesPanel(row, report, i) {
  const text = TWO ? NAMES[i] : "";
  if (!row || !row.values.length) return h("p", { class: "small muted" }, `${text ? `${text}: ` : ""}no value known`);
  const shown = row.values.slice(0, 15);
  const total = row.valued;
  const rest = row.distinct - shown.length;
  const left = total - sum(shown.map(([, count]) => count));
  const summary = row.distinct === total ? `All ${whole(total)} values differ; some of them:`
    : `${whole(row.distinct)} different values among ${whole(total)}.`;
  const most = Math.max(...shown.map(([, count]) => count)) / total;
  return plot(text, summary,
    bars(`Most frequent values of ${words(row.name)} ${text}`, shown.map(([name, count]) => ({ name, values: [count / total] })),
      { most: Math.max(most, 0.01), show: percent, classes: [SERIES[i]] }),
    rest > 0 && h("p", { class: "small muted" }, `and ${whole(rest)} more with ${percent(left / total)}`));
}

function drawValues() {
  const rows = attributeRows(chosen.value);
  valuePanels.replaceChildren(...REPORTS.map((report, i) => valuesPanel(rows[i], report, i)));
}

function chooseAttribute(name) {
  if (!attributeNames().includes(name)) return;
  chosen.value = name;
  drawValues();
  document.getElementById("values").scrollIntoView();
}

function showValues() {
  const names = attributeNames();
  if (!names.length) return;
  chosen.append(...names.map(name => h("option", { value: name }, words(name))));
  chosen.value = names.find(name => attributeRows(name)[0]?.type === "enum") ?? names[0];
  section("values", "Values", h("p", { class: "lead" }, "The most frequent values of an attribute."),
    h("div", { class: "controls" }, h("label", { for: "attribute" }, "Attribute"), chosen), valuePanels);
  drawValues();
}
