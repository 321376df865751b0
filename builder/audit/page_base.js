"use strict";
// What all parts of the page use. Nothing of the data is ever parsed as HTML: h() makes text nodes of it.

const DATA = JSON.parse(document.getElementById("data").textContent);
const REPORTS = DATA.against ? [DATA.report, DATA.against] : [DATA.report];
const TWO = REPORTS.length === 2;
const NAMES = shortNames(REPORTS.map(report => report.target.name));
const SERIES = ["series-ours", "series-theirs"]; // one colour a dataset, everywhere
const VERDICTS = { fail: "Fail", warn: "Warn", pass: "Pass", none: "N/A" };
const GROUPS = {
  text: "Text",
  facts: "Facts",
  guessability: "Guessability",
  leakage: "Leakage across splits",
  variants: "Variants",
  faces: "Faces",
};
const SHAPES = {
  // drawn on 16 x 16: distinguished without colour
  pass: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm-1.2 10.2L3.9 8.3l1.1-1.1 1.8 1.8L11 4.8l1.1 1.1-5.3 5.3Z",
  warn: "M8 1.2 15.4 14.5H.6L8 1.2Zm-.8 5v4.3h1.6V6.2H7.2Zm0 5.3v1.6h1.6v-1.6H7.2Z",
  fail:
    "M5 1h6l4 4v6l-4 4H5l-4-4V5l4-4Zm.9 3.8L4.8 5.9 6.9 8l-2.1 2.1 1.1 1.1L8 9.1l2.1 2.1 1.1-1.1L9.1 8l2.1-2.1" +
    "-1.1-1.1L8 6.9 5.9 4.8Z",
  none: "M2 7h12v2H2Z",
};

function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

const shown = value => value !== null && value !== undefined && value !== false;

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (shown(value)) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter(shown));
  return element;
}

// --- numbers in words ---

const whole = number => number.toLocaleString("en-US");
const decimal = (number, digits = 2) =>
  number.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const words = name => name.replaceAll("_", " ");

function percent(share) {
  if (share === null || share === undefined) return "–";
  if (share > 0 && share < 0.001) return "< 0.1\u00a0%";
  if (share < 1 && share > 0.999) return "> 99.9\u00a0%";
  return `${decimal(share * 100, share === 0 || Math.abs(share) === 1 ? 0 : 1)}\u00a0%`;
}

function amount(number, unit) {
  if (unit === "share") return percent(number);
  const text = Number.isInteger(number) ? whole(number) : decimal(number, Math.abs(number) < 10 ? 2 : 1);
  return `${text} ${unit.replace("-log10 p", "(−log₁₀ p)")}`;
}

function shortNames(names) {
  const short = names.map(
    name =>
      name
        .replace(/[\\/]+$/, "")
        .split(/[\\/]/)
        .pop() || name,
  );
  return new Set(short).size === names.length ? short : names.map((name, i) => `${name} (${i ? "other" : "this"})`);
}

/** "a, b and c". */
function listed(parts) {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

// --- comparing ---

const isCount = measure => measure.of !== null && measure.unit !== "share";

/** A measure's value on a scale that datasets of different sizes share, and on which chance makes no difference. */
function comparable(measure) {
  if (measure.unit === "-log10 p") return Math.max(measure.value, DATA.limits[measure.rule]?.warn_above ?? 0);
  return Math.abs(isCount(measure) && measure.of ? measure.value / measure.of : measure.value);
}

/** 0 or 1: which report has the better value; -1: neither; null: one of them has none. */
function betterOf(a, b, direction) {
  if (a === null || b === null || a === undefined || b === undefined || !direction) return null;
  if (Math.abs(a - b) < 1e-9) return -1;
  return (direction === "lower") === a < b ? 0 : 1;
}

function measuresOf(rule) {
  return REPORTS.map(report => report.measures.find(measure => measure.rule === rule) ?? null);
}

function betterMeasure(rule) {
  const [a, b] = measuresOf(rule);
  return a && b && a.value !== null && b.value !== null
    ? betterOf(comparable(a), comparable(b), DATA.better[rule])
    : null;
}

// --- pieces ---

function light(verdict, word = VERDICTS[verdict]) {
  const shape = svg(
    "svg",
    { viewBox: "0 0 16 16", "aria-hidden": "true" },
    svg("path", { d: SHAPES[verdict], fill: "currentColor", "fill-rule": "evenodd" }),
  );
  return h("span", { class: `light ${verdict}` }, shape, h("span", {}, word));
}

function section(id, title, ...children) {
  const link = h("a", { href: `#${id}` }, title);
  document.getElementById("nav").append(link);
  document.getElementById(id).append(h("h2", { id: `${id}-title` }, title), ...children);
}

function figureCell(measure) {
  if (!measure || measure.value === null) {
    return [h("span", { class: "muted" }, measure?.of === 0 ? `no ${measure.unit}` : "not measured")];
  }
  if (!isCount(measure)) return [h("span", { class: "value" }, amount(measure.value, measure.unit))];
  return [
    h("span", { class: "value" }, whole(measure.value)),
    ` of ${whole(measure.of)} ${measure.unit} `,
    measure.of && measure.value ? h("span", { class: "share" }, percent(measure.value / measure.of)) : null,
  ];
}

function tallies(report, group) {
  const measures = report.measures.filter(measure => !group || measure.group === group);
  return Object.keys(VERDICTS).map(verdict => [verdict, measures.filter(m => m.verdict === verdict).length]);
}
