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
  return h(
    "figure",
    {},
    (title || text) && h("figcaption", {}, title && h("h3", {}, title), text && h("p", {}, text)),
    place,
    ...more,
  );
}

function canvas(width, height, label) {
  return svg("svg", {
    class: "chart",
    role: "img",
    "aria-label": label,
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
  });
}

function label(x, y, text, attributes = {}) {
  return svg("text", { x, y, ...attributes }, text);
}

const LETTER = 6.7; // width of an average character, a little generously

/** The room that the longest of some labels wants, at most a share of the width. */
const room = (labels, width, share) =>
  Math.min(Math.round(width * share), Math.ceil(Math.max(...labels.map(text => text.length)) * LETTER) + 12);

/** As much of a text as fits. */
function cut(text, width) {
  const fits = Math.max(4, Math.floor(width / LETTER));
  const characters = [...text]; // not halves of a surrogate pair
  return characters.length <= fits ? text : `${characters.slice(0, fits - 1).join("")}…`;
}

function legend(items) {
  return h(
    "ul",
    { class: "legend" },
    items.map(([name, shape]) =>
      h("li", {}, svg("svg", { viewBox: "0 0 16 12", "aria-hidden": "true" }, shape()), h("span", {}, name)),
    ),
  );
}

const swatch = name => () => svg("rect", { class: name, x: 0, y: 2, width: 16, height: 8, rx: 1 });
const datasetLegend = () => (TWO ? legend(NAMES.map((name, i) => [name, swatch(SERIES[i])])) : null);

// --- bars ---

/**
 * Horizontal bars: rows of {name, values (one a dataset, null where unknown)}; `limits` are dashed lines at values.
 * `show` writes a value.
 */
function bars(title, rows, { most, show, limits = [], classes = SERIES }) {
  return width => {
    const series = Math.max(...rows.map(row => row.values.length));
    const beside = width >= SIDE;
    const left = beside
      ? room(
          rows.map(entry => entry.name),
          width,
          0.4,
        )
      : 0;
    const right = 62;
    const [thick, gap] = series > 1 ? [9, 3] : [12, 2];
    const name = beside ? 0 : 16;
    const row = name + series * (thick + gap) + (beside ? 6 : 8);
    const top = limits.length * 15 + (limits.length ? 4 : 0);
    const scale = value => (value / most) * (width - left - right);
    const chart = canvas(width, top + rows.length * row, title);
    rows.forEach((entry, number) => {
      const y = top + number * row;
      chart.append(
        beside
          ? label(left - 8, y + (series * (thick + gap)) / 2 + 3, cut(entry.name, left - 8), { "text-anchor": "end" })
          : label(0, y + 11, cut(entry.name, width)),
      );
      entry.values.forEach((value, i) => {
        const at = y + name + i * (thick + gap);
        chart.append(svg("rect", { class: "track", x: left, y: at, width: scale(most), height: thick }));
        if (value !== null) {
          chart.append(
            svg(
              "rect",
              { class: classes[i], x: left, y: at, width: Math.max(scale(value), value > 0 ? 1 : 0), height: thick },
              svg("title", {}, `${entry.name}: ${show(value)}`),
            ),
          );
        }
        chart.append(
          label(left + scale(most) + 6, at + thick - (series > 1 ? 0 : 2), value === null ? "–" : show(value), {
            class: "soft",
            "font-size": series > 1 ? 10.5 : 12,
          }),
        );
      });
    });
    limits.forEach(({ at, name: text }, i) => {
      const x = left + scale(at);
      chart.append(
        svg("line", { class: "limit", x1: x, x2: x, y1: i * 15 + 2, y2: top + rows.length * row }),
        label(x - 5, i * 15 + 12, text, { class: "soft", "text-anchor": "end" }),
      );
    });
    return chart;
  };
}

// --- for plots with axes ---

/** About `wanted` round numbers between two. */
function ticks(from, to, wanted) {
  const rough = (to - from) / Math.max(1, wanted);
  if (!(rough > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(candidate => candidate >= rough);
  const found = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i++)
    found.push(Number((i * step).toPrecision(12)));
  return found;
}

const sum = numbers => numbers.reduce((total, number) => total + number, 0);

/** A figure of one panel a dataset: side by side over the whole width where both have something to show. */
function panels(drawable, caption, parts) {
  return h(
    "figure",
    { class: drawable > 1 ? "wide" : "" },
    caption,
    h("div", { class: drawable > 1 ? "panels" : "" }, parts),
  );
}
