"use strict";
// Lays out the report that lies in this file as JSON. Nothing of it is ever parsed as HTML: h() makes text nodes.

const DATA = JSON.parse(document.getElementById("data").textContent);
const REPORTS = DATA.against ? [DATA.report, DATA.against] : [DATA.report];
const TWO = REPORTS.length === 2;
const NAMES = shortNames(REPORTS.map(report => report.target.name));
const SERIES = ["series-ours", "series-theirs"]; // one colour a dataset, everywhere
const VERDICTS = { fail: "Fail", warn: "Warn", pass: "Pass", none: "N/A" };
const GROUPS = {
  text: "Text", facts: "Facts", guessability: "Guessability", leakage: "Leakage across splits", variants: "Variants",
  faces: "Faces",
};
const SHAPES = { // drawn on 16 x 16: told apart without colour
  pass: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm-1.2 10.2L3.9 8.3l1.1-1.1 1.8 1.8L11 4.8l1.1 1.1-5.3 5.3Z",
  warn: "M8 1.2 15.4 14.5H.6L8 1.2Zm-.8 5v4.3h1.6V6.2H7.2Zm0 5.3v1.6h1.6v-1.6H7.2Z",
  fail: "M5 1h6l4 4v6l-4 4H5l-4-4V5l4-4Zm.9 3.8L4.8 5.9 6.9 8l-2.1 2.1 1.1 1.1L8 9.1l2.1 2.1 1.1-1.1L9.1 8l2.1-2.1-1.1-1.1L8 6.9 5.9 4.8Z",
  none: "M2 7h12v2H2Z",
};

function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

// --- numbers in words -------------------------------------------------------------------------------------------------

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
  const short = names.map(name => name.replace(/[\\/]+$/, "").split(/[\\/]/).pop() || name);
  return new Set(short).size === names.length ? short : names.map((name, i) => `${name} (${i ? "other" : "this"})`);
}

/** "a, b and c". */
function listed(parts) {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

// --- comparing --------------------------------------------------------------------------------------------------------

/** A measure's value on a scale that datasets of different sizes share. */
const comparable = measure => (measure.of ? measure.value / measure.of : measure.value);

/** 0 or 1: which report has the better value; -1: neither; null: one of them has none. */
function betterOf(a, b, direction) {
  if (a === null || b === null || a === undefined || b === undefined || !direction) return null;
  if (Math.abs(a - b) < 1e-9) return -1;
  return (direction === "lower") === (a < b) ? 0 : 1;
}

function measuresOf(rule) {
  return REPORTS.map(report => report.measures.find(measure => measure.rule === rule) ?? null);
}

function betterMeasure(rule) {
  const [a, b] = measuresOf(rule);
  return a && b && a.value !== null && b.value !== null
    ? betterOf(comparable(a), comparable(b), DATA.better[rule]) : null;
}

// --- pieces -----------------------------------------------------------------------------------------------------------

function light(verdict, word = VERDICTS[verdict]) {
  const shape = svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" },
    svg("path", { d: SHAPES[verdict], fill: "currentColor", "fill-rule": "evenodd" }));
  return h("span", { class: `light ${verdict}` }, shape, h("span", {}, word));
}

function section(id, title, ...children) {
  const link = h("a", { href: `#${id}` }, title);
  document.getElementById("nav").append(link);
  document.getElementById(id).append(h("h2", { id: `${id}-title` }, title), ...children);
}

function figureCell(measure) {
  if (!measure || measure.value === null) return [h("span", { class: "muted" }, "nothing to look at")];
  if (measure.of === null) return [h("span", { class: "value" }, amount(measure.value, measure.unit))];
  return [
    h("span", { class: "value" }, whole(measure.value)), ` of ${whole(measure.of)} ${measure.unit} `,
    measure.of && measure.value ? h("span", { class: "share" }, percent(measure.value / measure.of)) : null,
  ];
}

function tallies(report, group) {
  const measures = report.measures.filter(measure => !group || measure.group === group);
  return Object.keys(VERDICTS).map(verdict => [verdict, measures.filter(m => m.verdict === verdict).length]);
}

// --- verdict ----------------------------------------------------------------------------------------------------------

function verdictSentence(report, name) {
  const count = Object.fromEntries(tallies(report));
  const total = report.measures.length;
  const says = { fail: "fails", warn: "passes with warnings", pass: "passes", none: "could not be judged" }[report.verdict];
  const parts = [`${count.fail} of ${total} measures fail`, `${count.warn} warn`, `${count.pass} pass`];
  if (count.none) parts.push(`${count.none} had nothing to look at`);
  return h("p", { class: "sentence" }, light(report.verdict, `${name} ${says}`), `: ${listed(parts)}.`);
}

function comparisonSentence() {
  const found = DATA.report.measures.map(measure => betterMeasure(measure.rule)).filter(better => better !== null);
  const count = which => found.filter(better => better === which).length;
  return h("p", { class: "sentence" },
    `Of the ${found.length} measures that both have, ${NAMES[0]} is better on ${count(0)}, ${NAMES[1]} on ${count(1)}, ` +
    `and they are equal on ${count(-1)}.`);
}

function targetTable() {
  const kinds = { dataset: "dataset directory", records: "file of records", qa: "file of QA pairs", hub: "Hub dataset" };
  const rows = [
    ["Kind", target => kinds[target.kind]],
    ["Identities", target => whole(target.identities)],
    ["QA pairs", target => whole(target.qa_pairs)],
    ["Images", target => whole(target.images)],
    ["Day of the dataset", target => target.as_of ?? "not told"],
    ["Guesses learned on", target => target.learned],
    ["and applied to", target => target.applied],
  ];
  return h("table", { class: "facts" },
    TWO && h("thead", {}, h("tr", {}, h("td"), NAMES.map(name => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.map(([title, read]) =>
      h("tr", {}, h("th", { scope: "row" }, title), REPORTS.map(report => h("td", {}, read(report.target)))))));
}

/** What fails and what warns, worst first. */
function worst(report) {
  const order = Object.keys(VERDICTS);
  const found = report.measures.filter(m => m.verdict === "fail" || m.verdict === "warn")
    .sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  if (!found.length) return h("p", { class: "muted" }, "No measure fails or warns.");
  return h("ul", { class: "worst" }, found.map(measure => h("li", {}, light(measure.verdict),
    h("a", { href: `#measure-${measure.rule}` }, measure.title),
    h("span", { class: "small muted" },
      measure.of === null ? amount(measure.value, measure.unit) : whole(measure.value)))));
}

function whatToLookAt() {
  if (!TWO) return h("div", {}, h("h2", {}, "What to look at"), worst(DATA.report));
  return h("div", {}, REPORTS.map((report, i) => {
    const number = report.measures.filter(m => m.verdict === "fail" || m.verdict === "warn").length;
    return h("details", { class: "fold", open: i === 0 && number < 12 },
      h("summary", {}, `What to look at in ${NAMES[i]} (${number})`), worst(report));
  }));
}

function showVerdict() {
  document.title = `Audit of ${NAMES.join(" against ")}`;
  document.getElementById("nav").append(h("a", { href: "#verdict" }, "Verdict"));
  document.getElementById("verdict").append(
    h("h1", { id: "verdict-title" }, `Audit of ${NAMES[0]}`),
    TWO ? h("p", { class: "muted" }, `side by side with ${NAMES[1]}`) : "",
    ...REPORTS.map((report, i) => verdictSentence(report, NAMES[i])),
    TWO ? comparisonSentence() : "",
    h("div", { class: "columns" },
      whatToLookAt(),
      h("div", {}, h("h2", {}, "What was audited"), targetTable())));
  document.getElementById("made").textContent =
    `Made by fiubench ${DATA.report.fiubench_version}. The figures lie in this file as JSON too, in the element “data”.`;
}

// --- measures ---------------------------------------------------------------------------------------------------------

function limitText(rule, unit) {
  const limits = DATA.limits[rule] ?? {};
  const parts = [["warn_above", "warns above"], ["fail_above", "fails above"], ["warn_below", "warns below"],
    ["fail_below", "fails below"]].filter(([key]) => key in limits)
    .map(([key, text]) => `${text} ${amount(limits[key], unit)}`);
  return parts.length ? `It ${listed(parts)}.` : "";
}

function examples(measure) {
  if (!measure?.examples.length) return null;
  return [h("p", {}, "Examples:"), h("ul", { class: "examples" }, measure.examples.map(example =>
    h("li", {}, example.where && `${example.where}: `, h("q", {}, example.what))))];
}

/** What a measure's row unfolds to. */
function aboutMeasure(rule, found) {
  const first = found.find(Boolean);
  const notes = found.map((measure, i) => measure && (measure.note || measure.examples.length > 0) && h("div", {},
    TWO && h("h4", {}, NAMES[i]), measure.note && h("p", {}, measure.note), examples(measure))).filter(Boolean);
  return [h("p", {}, `${first.what} ${limitText(rule, first.unit)}`), notes.length > 0 && h("div", { class: "notes" }, notes)];
}

function unfold(button, open) {
  button.setAttribute("aria-expanded", String(open));
  document.getElementById(button.getAttribute("aria-controls")).hidden = !open;
}

function measureBody(rule) {
  const found = measuresOf(rule);
  const better = TWO ? betterMeasure(rule) : null;
  const quiet = !found.some(measure => measure?.verdict === "fail" || measure?.verdict === "warn");
  const button = h("button", { type: "button", class: "unfold", "aria-expanded": "false", "aria-controls": `about-${rule}`,
    click: () => unfold(button, button.getAttribute("aria-expanded") === "false") }, found.find(Boolean).title);
  const title = h("th", { scope: "row" }, button);
  const [ours, theirs] = found.map((measure, i) => [
    h("td", { class: "verdict" }, light(measure?.verdict ?? "none")),
    h("td", { class: "figure" }, figureCell(measure), better === i && h("span", { class: "tag" }, "better"))]);
  const columns = TWO ? [title, ours, theirs] : [ours[0], title, ours[1]];
  return h("tbody", { class: quiet ? "quiet-row" : "loud-row", id: `measure-${rule}` }, h("tr", {}, columns),
    h("tr", { id: `about-${rule}`, class: "about", hidden: true },
      TWO ? null : h("td"), h("td", { colspan: TWO ? 5 : 2 }, aboutMeasure(rule, found))));
}

function groupTally(report, group) {
  return tallies(report, group).filter(([, count]) => count)
    .map(([verdict, count]) => [light(verdict, `${count} ${VERDICTS[verdict].toLowerCase()}`), " "]);
}

function measureGroup(group, rules) {
  const [measure, verdict] = [h("th", { scope: "col" }, "Measure"), h("th", { scope: "col" }, "Verdict")];
  return h("section", { class: "group", "aria-label": GROUPS[group] ?? group },
    h("header", {}, h("h3", {}, GROUPS[group] ?? words(group)), TWO ? null : groupTally(DATA.report, group)),
    h("table", { class: `measures${TWO ? " two" : ""}` },
      h("colgroup", {}, TWO ? h("col") : [h("col", { class: "verdict" }), h("col"), h("col", { class: "figure" })],
        TWO && REPORTS.map(() => [h("col", { class: "verdict" }), h("col", { class: "figure" })])),
      TWO ? h("thead", {}, h("tr", {}, measure, REPORTS.map((report, i) =>
        h("th", { scope: "colgroup", colspan: 2 }, h("b", {}, NAMES[i]), h("br"), groupTally(report, group)))))
        : h("thead", { class: "hidden" }, h("tr", {}, verdict, measure, h("th", { scope: "col" }, "Value"))),
      rules.map(measureBody)));
}

function showMeasures() {
  const groups = new Map();
  for (const report of REPORTS) {
    for (const { rule, group } of report.measures) {
      groups.set(group, (groups.get(group) ?? new Set()).add(rule));
    }
  }
  const tables = h("div", {}, [...groups].map(([group, rules]) => measureGroup(group, [...rules])));
  const only = h("input", { type: "checkbox", id: "only-faults", change: () => tables.classList.toggle("only-faults", only.checked) });
  const all = h("button", { type: "button", click: () => {
    const open = all.textContent === "Unfold all";
    all.textContent = open ? "Fold all" : "Unfold all";
    for (const button of tables.querySelectorAll(".unfold")) unfold(button, open);
  } }, "Unfold all");
  section("measures", "Measures",
    h("p", { class: "lead" }, "Unfold a measure for its definition, its limits and examples. ",
      TWO ? "“Better” compares shares where a measure counts, so that size does not matter." : ""),
    h("div", { class: "controls" },
      h("label", { class: "check", for: "only-faults" }, only, "Only what warns or fails"), all),
    tables);
}

// --- attributes -------------------------------------------------------------------------------------------------------

const COLUMNS = [ // title, how to read and how to show it, which of two values is better
  { title: "Asked", read: row => row.asked, show: whole },
  { title: "Distinct", read: row => row.distinct, show: whole },
  { title: "Entropy, bits", read: row => row.entropy, show: value => decimal(value), better: "higher" },
  { title: "Most frequent value", read: row => row.top_value, show: String, text: true },
  { title: "Its share", read: row => row.top_share, show: percent, better: "lower" },
  { title: "Constant guess, EM", read: row => row.constant_em, show: percent, better: "lower" },
  { title: "Constant guess, ROUGE-L", read: row => row.constant_rouge, show: percent, better: "lower" },
  { title: "Guess from another fact, EM", read: row => row.other_em, show: percent, better: "lower" },
  { title: "That fact", read: row => row.other_fact, show: String, text: true },
  { title: "Phrasings", read: row => row.phrasings, show: whole, better: "higher" },
];

function attributeNames() {
  return [...new Set(REPORTS.flatMap(report => report.attributes.map(row => row.name)))];
}

function attributeRows(name) {
  return REPORTS.map(report => report.attributes.find(row => row.name === name) ?? null);
}

function attributeCell(column, rows, i) {
  const value = rows[i] && column.read(rows[i]);
  const best = TWO && betterOf(...rows.map(row => row && column.read(row)), column.better) === i;
  return h("td", { class: `${column.text ? "text" : "number"}${best ? " best" : ""}` },
    value === null || value === undefined ? "–" : column.show(value), best && h("span", { class: "hidden" }, " (better)"));
}

function attributeBody(name) {
  const rows = attributeRows(name);
  const first = rows.find(Boolean);
  const header = h("th", { scope: "rowgroup", class: "name", rowspan: REPORTS.length },
    h("a", { href: `#values-${name}` }, words(name)), h("br"),
    h("span", { class: "small muted" }, [first.category, first.type].filter(Boolean).map(words).join(" · ")));
  return h("tbody", {}, rows.map((_, i) => h("tr", {}, i === 0 && header, TWO && h("td", { class: "dataset small", title: NAMES[i] }, NAMES[i]),
    COLUMNS.map(column => attributeCell(column, rows, i)))));
}

function sortBodies(table, bodies, header, read, text) {
  const next = { none: text ? "ascending" : "descending", descending: text ? "none" : "ascending",
    ascending: text ? "descending" : "none" }[header.getAttribute("aria-sort") ?? "none"];
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  if (next !== "none") header.setAttribute("aria-sort", next);
  const sign = next === "ascending" ? 1 : -1;
  const compare = (a, b) => {
    const [x, y] = [read(a.name), read(b.name)];
    if (x === y || next === "none") return a.order - b.order;
    if (x === null || y === null) return x === null ? 1 : -1; // what is unknown goes last
    return sign * (text ? x.localeCompare(y) : x - y);
  };
  table.append(...[...bodies].sort(compare).map(entry => entry.body));
}

function showAttributes() {
  const names = attributeNames();
  if (!names.length) return;
  const bodies = names.map((name, order) => ({ name, order, body: attributeBody(name) }));
  const table = h("table", { class: "sortable" });
  const heading = (title, read, text) => {
    const header = h("th", { scope: "col", class: text ? (title === "Attribute" ? "name" : "text") : "number" },
      h("button", { type: "button", click: () => sortBodies(table, bodies, header, read, text) }, title));
    return header;
  };
  const first = name => attributeRows(name).find(Boolean);
  table.append(
    h("thead", {}, h("tr", {}, heading("Attribute", words, true), TWO && h("th", { scope: "col" }, "Dataset"),
      COLUMNS.map(column => heading(column.title, name => column.read(first(name)), column.text)))),
    ...bodies.map(entry => entry.body));
  section("attributes", "Attributes",
    h("p", { class: "lead" },
      `How well each fact can be guessed by one who knows nothing of the person. A constant guess gives everyone in ` +
      `${DATA.report.target.applied} what is most frequent in ${DATA.report.target.learned}; the other guess looks up ` +
      `one other fact of the same person. EM: exact match. ROUGE-L: recall over the whole answer.` +
      (TWO ? " The better of two figures is bold; rows sort by the first dataset." : "")),
    h("div", { class: "box", tabindex: "0", role: "region", "aria-label": "Table of attributes" }, table));
}

// --- the rest of the page ---------------------------------------------------------------------------------------------

function setUpTheme() {
  const button = document.getElementById("theme");
  const themes = ["system", "light", "dark"];
  const apply = theme => {
    document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
  };
  button.addEventListener("click", () => {
    const theme = themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length];
    apply(theme);
    try { localStorage.setItem("fiubench-theme", theme); } catch { /* a browser may forbid it to files; it is a nicety */ }
  });
  let kept = null;
  try { kept = localStorage.getItem("fiubench-theme"); } catch { /* as above */ }
  apply(themes.includes(kept) ? kept : "system");
}

/** Shows what the address names: a measure is unfolded, an attribute's values chosen, a person's page turned up. */
function followHash() {
  let id;
  try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; } // half a percent sign
  if (id.startsWith("values-")) chooseAttribute(id.slice("values-".length));
  else if (id.startsWith("person-")) showPerson(id.slice("person-".length));
  else if (id.startsWith("people?")) restoreSearch(new URLSearchParams(location.hash.slice("#people?".length)));
  else if (id.startsWith("measure-")) {
    const row = document.getElementById(id);
    if (row) {
      unfold(row.querySelector(".unfold"), true);
      row.scrollIntoView({ block: "center" });
    }
  }
}

document.addEventListener("DOMContentLoaded", () => {
  setUpTheme();
  showVerdict();
  showMeasures();
  showAttributes();
  showPlots();
  showValues();
  showPeople();
  followHash();
  addEventListener("hashchange", followHash);
});
