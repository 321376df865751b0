"use strict";
// The table of attributes, and the values of the one that is chosen.

const COLUMNS = [
  // title, how to read and how to show it, which of two values is better
  { title: "Asked", read: row => row.asked, show: whole },
  { title: "Phrasings", read: row => row.phrasings, show: whole },
  { title: "Distinct values", read: row => row.distinct, show: whole },
  { title: "Entropy, bits", read: row => row.entropy, show: value => decimal(value), better: "higher" },
  { title: "Most frequent, share", read: row => row.top_share, show: percent, better: "lower" },
  { title: "Constant guess, EM", read: row => row.constant_em, show: percent, better: "lower" },
  { title: "Constant guess, ROUGE-L", read: row => row.constant_rouge, show: percent, better: "lower" },
  { title: "Other fact’s guess, EM", read: row => row.other_em, show: percent, better: "lower" },
  { title: "That fact", read: row => row.other_fact, show: words, text: true },
  { title: "Most frequent value", read: row => row.top_value, show: String, text: true },
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
  return h(
    "td",
    { class: `${column.text ? "text" : "number"}${best ? " best" : ""}` },
    value === null || value === undefined ? "–" : column.show(value),
    best && h("span", { class: "hidden" }, " (better)"),
  );
}

function attributeBody(name) {
  const rows = attributeRows(name);
  const first = rows.find(Boolean);
  const header = h(
    "th",
    { scope: "rowgroup", class: "name", rowspan: REPORTS.length },
    h("a", { href: `#values-${name}` }, words(name)),
    h("br"),
    h("span", { class: "small muted" }, [first.category, first.type].filter(Boolean).map(words).join(" · ")),
  );
  return h(
    "tbody",
    {},
    rows.map((_, i) =>
      h(
        "tr",
        {},
        i === 0 && header,
        TWO && h("td", { class: "dataset small", title: NAMES[i] }, NAMES[i]),
        COLUMNS.map(column => attributeCell(column, rows, i)),
      ),
    ),
  );
}

function sortBodies(table, bodies, header, read, text) {
  const next = {
    none: text ? "ascending" : "descending",
    descending: text ? "none" : "ascending",
    ascending: text ? "descending" : "none",
  }[header.getAttribute("aria-sort") ?? "none"];
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
    const header = h(
      "th",
      { scope: "col", class: text ? (title === "Attribute" ? "name" : "text") : "number" },
      h("button", { type: "button", click: () => sortBodies(table, bodies, header, read, text) }, title),
    );
    return header;
  };
  const first = name => attributeRows(name).find(Boolean);
  table.append(
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        heading("Attribute", words, true),
        TWO && h("th", { scope: "col" }, "Dataset"),
        COLUMNS.map(column => heading(column.title, name => column.read(first(name)), column.text)),
      ),
    ),
    ...bodies.map(entry => entry.body),
  );
  section(
    "attributes",
    "Attributes",
    h(
      "p",
      { class: "lead" },
      "How well each fact can be guessed by one who knows nothing of the person. Guesses are learned on " +
        `${DATA.report.target.learned} and applied to ${DATA.report.target.applied}: the constant guess is the most ` +
        "frequent value (EM, exact match) or answer (ROUGE-L recall); the other looks up one other fact of the same " +
        "person." +
        (TWO ? " The better of two figures is bold; rows sort by the first dataset." : ""),
    ),
    h("div", { class: "box", tabindex: "0", role: "region", "aria-label": "Table of attributes" }, table),
  );
}

// --- values of one attribute ---

const chosen = h("select", {
  id: "attribute",
  change: () => {
    history.replaceState(null, "", `#values-${encodeURIComponent(chosen.value)}`);
    drawValues();
  },
});
const valuePanels = h("div", { class: "plots" });

function valuesPanel(row, report, i) {
  const text = TWO ? NAMES[i] : "";
  if (!row || !row.values.length) return h("p", { class: "small muted" }, `${text ? `${text}: ` : ""}no value known`);
  const shown = row.values.slice(0, 15);
  const total = row.valued;
  const rest = row.distinct - shown.length;
  const left = total - sum(shown.map(([, count]) => count));
  const summary =
    row.distinct === total
      ? `All ${whole(total)} values differ; some of them:`
      : `${whole(row.distinct)} different values among ${whole(total)}.`;
  const most = Math.max(...shown.map(([, count]) => count)) / total;
  return plot(
    text,
    summary,
    bars(
      `Most frequent values of ${words(row.name)} ${text}`,
      shown.map(([name, count]) => ({ name, values: [count / total] })),
      { most: Math.max(most, 0.01), show: percent, classes: [SERIES[i]] },
    ),
    rest > 0 && h("p", { class: "small muted" }, `and ${whole(rest)} more with ${percent(left / total)}`),
  );
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
  section(
    "values",
    "Values",
    h("p", { class: "lead" }, "The most frequent values of an attribute."),
    h("div", { class: "controls" }, h("label", { for: "attribute" }, "Attribute"), chosen),
    valuePanels,
  );
  drawValues();
}
