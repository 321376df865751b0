"use strict";
// The top of the page, verdict and measures, and what belongs to all of it: the theme, links into it, its order.

// --- verdict ---

function verdictSentence(report, name) {
  const count = Object.fromEntries(tallies(report));
  const total = report.measures.length;
  const says = { fail: "fails", warn: "passes with warnings", pass: "passes", none: "could not be judged" }[
    report.verdict
  ];
  const parts = [`${count.fail} of ${total} measures fail`, `${count.warn} warn`, `${count.pass} pass`];
  if (count.none) parts.push(`${count.none} could not be measured`);
  return h("p", { class: "sentence" }, light(report.verdict, `${name} ${says}`), `: ${listed(parts)}.`);
}

function comparisonSentence() {
  const found = DATA.report.measures.map(measure => betterMeasure(measure.rule)).filter(better => better !== null);
  const count = which => found.filter(better => better === which).length;
  return h(
    "p",
    { class: "sentence" },
    `Of the ${found.length} measures that both have, ${NAMES[0]} is better on ${count(0)}, ` +
      `${NAMES[1]} on ${count(1)}, and they are equal on ${count(-1)}.`,
  );
}

function targetTable() {
  const kinds = {
    dataset: "dataset directory",
    records: "file of records",
    qa: "file of QA pairs",
    hub: "Hub dataset",
  };
  const rows = [
    ["Kind", target => kinds[target.kind]],
    ["Identities", target => whole(target.identities)],
    ["QA pairs", target => whole(target.qa_pairs)],
    ["Images", target => whole(target.images)],
    ["Day of the dataset", target => target.as_of ?? "not given"],
    ["Guesses learned on", target => target.learned],
    ["and applied to", target => target.applied],
  ];
  return h(
    "table",
    { class: "facts" },
    TWO &&
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("td"),
          NAMES.map(name => h("th", { scope: "col" }, name)),
        ),
      ),
    h(
      "tbody",
      {},
      rows.map(([title, read]) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, title),
          REPORTS.map(report => h("td", {}, read(report.target))),
        ),
      ),
    ),
  );
}

/** What fails and what warns, worst first. */
function worst(report) {
  const order = Object.keys(VERDICTS);
  const found = report.measures
    .filter(m => m.verdict === "fail" || m.verdict === "warn")
    .sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  if (!found.length) return h("p", { class: "muted" }, "No measure fails or warns.");
  return h(
    "ul",
    { class: "worst" },
    found.map(measure =>
      h(
        "li",
        {},
        light(measure.verdict),
        h("a", { href: `#measure-${measure.rule}` }, measure.title),
        h(
          "span",
          { class: "small muted" },
          isCount(measure) ? whole(measure.value) : amount(measure.value, measure.unit),
        ),
      ),
    ),
  );
}

function whatToLookAt() {
  if (!TWO) return h("div", {}, h("h2", {}, "What to look at"), worst(DATA.report));
  return h(
    "div",
    {},
    REPORTS.map((report, i) => {
      const number = report.measures.filter(m => m.verdict === "fail" || m.verdict === "warn").length;
      return h(
        "details",
        { class: "fold", open: i === 0 && number < 12 },
        h("summary", {}, `What to look at in ${NAMES[i]} (${number})`),
        worst(report),
      );
    }),
  );
}

function showVerdict() {
  document.title = `Audit of ${NAMES.join(" against ")}`;
  document.getElementById("nav").append(h("a", { href: "#verdict" }, "Verdict"));
  document
    .getElementById("verdict")
    .append(
      h("h1", { id: "verdict-title" }, `Audit of ${NAMES[0]}`),
      TWO ? h("p", { class: "muted" }, `side by side with ${NAMES[1]}`) : "",
      ...REPORTS.map((report, i) => verdictSentence(report, NAMES[i])),
      TWO ? comparisonSentence() : "",
      h("div", { class: "columns" }, whatToLookAt(), h("div", {}, h("h2", {}, "What was audited"), targetTable())),
    );
  document.getElementById("made").textContent =
    `Made by fiubench ${DATA.report.fiubench_version}. ` +
    "The figures lie in this file as JSON too, in the element “data”.";
}

// --- measures ---

function limitText(rule, unit) {
  const limits = DATA.limits[rule] ?? {};
  const parts = [
    ["warn_above", "warns above"],
    ["fail_above", "fails above"],
    ["warn_below", "warns below"],
    ["fail_below", "fails below"],
  ]
    .filter(([key]) => key in limits)
    .map(([key, text]) => `${text} ${amount(limits[key], unit)}`);
  return parts.length ? `It ${listed(parts)}.` : "";
}

function examples(measure) {
  if (!measure?.examples.length) return null;
  return [
    h("p", {}, "Examples:"),
    h(
      "ul",
      { class: "examples" },
      measure.examples.map(example => h("li", {}, example.where && `${example.where}: `, h("q", {}, example.what))),
    ),
  ];
}

/** What a measure's row unfolds to. */
function aboutMeasure(rule, found) {
  const first = found.find(Boolean);
  const notes = found
    .map(
      (measure, i) =>
        measure &&
        (measure.note || measure.examples.length > 0) &&
        h("div", {}, TWO && h("h4", {}, NAMES[i]), measure.note && h("p", {}, measure.note), examples(measure)),
    )
    .filter(Boolean);
  return [
    h("p", {}, `${first.what} ${limitText(rule, first.unit)}`),
    notes.length > 0 && h("div", { class: "notes" }, notes),
  ];
}

function unfold(button, open) {
  button.setAttribute("aria-expanded", String(open));
  document.getElementById(button.getAttribute("aria-controls")).hidden = !open;
}

function measureBody(rule) {
  const found = measuresOf(rule);
  const better = TWO ? betterMeasure(rule) : null;
  const quiet = !found.some(measure => measure?.verdict === "fail" || measure?.verdict === "warn");
  const button = h(
    "button",
    {
      type: "button",
      class: "unfold",
      "aria-expanded": "false",
      "aria-controls": `about-${rule}`,
      click: () => unfold(button, button.getAttribute("aria-expanded") === "false"),
    },
    found.find(Boolean).title,
  );
  const title = h("th", { scope: "row" }, button);
  const [ours, theirs] = found.map((measure, i) => [
    h("td", { class: "verdict" }, light(measure?.verdict ?? "none")),
    h("td", { class: "figure" }, figureCell(measure), better === i && h("span", { class: "tag" }, "better")),
  ]);
  const columns = TWO ? [title, ours, theirs] : [ours[0], title, ours[1]];
  return h(
    "tbody",
    { class: quiet ? "quiet-row" : "loud-row", id: `measure-${rule}` },
    h("tr", {}, columns),
    h(
      "tr",
      { id: `about-${rule}`, class: "about", hidden: true },
      TWO ? null : h("td"),
      h("td", { colspan: TWO ? 5 : 2 }, aboutMeasure(rule, found)),
    ),
  );
}

function groupTally(report, group) {
  return tallies(report, group)
    .filter(([, count]) => count)
    .map(([verdict, count]) => [light(verdict, `${count} ${VERDICTS[verdict].toLowerCase()}`), " "]);
}

function measureGroup(group, rules) {
  const [measure, verdict] = [h("th", { scope: "col" }, "Measure"), h("th", { scope: "col" }, "Verdict")];
  return h(
    "section",
    { class: "group", "aria-label": GROUPS[group] ?? group },
    h("header", {}, h("h3", {}, GROUPS[group] ?? words(group)), TWO ? null : groupTally(DATA.report, group)),
    h(
      "table",
      { class: `measures${TWO ? " two" : ""}` },
      h(
        "colgroup",
        {},
        TWO ? h("col") : [h("col", { class: "verdict" }), h("col"), h("col", { class: "figure" })],
        TWO && REPORTS.map(() => [h("col", { class: "verdict" }), h("col", { class: "figure" })]),
      ),
      TWO
        ? h(
            "thead",
            {},
            h(
              "tr",
              {},
              measure,
              REPORTS.map((report, i) =>
                h("th", { scope: "colgroup", colspan: 2 }, h("b", {}, NAMES[i]), h("br"), groupTally(report, group)),
              ),
            ),
          )
        : h("thead", { class: "hidden" }, h("tr", {}, verdict, measure, h("th", { scope: "col" }, "Value"))),
      rules.map(measureBody),
    ),
  );
}

function showMeasures() {
  const groups = new Map();
  for (const report of REPORTS) {
    for (const { rule, group } of report.measures) {
      groups.set(group, (groups.get(group) ?? new Set()).add(rule));
    }
  }
  const tables = h(
    "div",
    {},
    [...groups].map(([group, rules]) => measureGroup(group, [...rules])),
  );
  const only = h("input", {
    type: "checkbox",
    id: "only-faults",
    change: () => tables.classList.toggle("only-faults", only.checked),
  });
  const all = h(
    "button",
    {
      type: "button",
      click: () => {
        const open = all.textContent === "Unfold all";
        all.textContent = open ? "Fold all" : "Unfold all";
        for (const button of tables.querySelectorAll(".unfold")) unfold(button, open);
      },
    },
    "Unfold all",
  );
  section(
    "measures",
    "Measures",
    h(
      "p",
      { class: "lead" },
      "Unfold a measure for its definition, its limits and examples. ",
      TWO
        ? "“Better” compares shares where a measure counts, so that size does not matter, and takes what chance " +
            "explains (−log₁₀ p below the limit) as equal."
        : "",
    ),
    h(
      "div",
      { class: "controls" },
      h("label", { class: "check", for: "only-faults" }, only, "Only what warns or fails"),
      all,
    ),
    tables,
  );
}

// --- the rest of the page ---

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
    try {
      localStorage.setItem("fiubench-theme", theme);
    } catch {
      /* a browser may forbid it to files; it is a nicety */
    }
  });
  let kept = null;
  try {
    kept = localStorage.getItem("fiubench-theme");
  } catch {
    /* as above */
  }
  apply(themes.includes(kept) ? kept : "system");
}

/** Shows what the address names: a measure is unfolded, an attribute's values chosen, a person's page turned up. */
function followHash() {
  let id;
  try {
    id = decodeURIComponent(location.hash.slice(1));
  } catch {
    return;
  } // half a percent sign
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
