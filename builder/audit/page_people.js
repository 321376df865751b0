"use strict";
// The gallery: searched, paged, and linked to by #person-ID or #people?q=...&page=...

const PAGE = 24;
const FIRST_FACTS = 6; // shown without unfolding
const FIRST_QUESTIONS = 3; // the same, of one of whom no facts are known
const gallery = { query: "", page: 0, found: DATA.cards, texts: null };

/** Lower case without accents: "Núñez" is found as "nunez". */
const plain = text => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** All that can be found in a card, as [where, text]. */
function cardTexts(card) {
  const qa = card.qa.flatMap(pair => [
    [`question on ${words(pair.attribute)}`, pair.question],
    [`answer on ${words(pair.attribute)}`, pair.answer],
    [`paraphrased answer on ${words(pair.attribute)}`, pair.paraphrased_answer],
    ...pair.perturbed_answer.map(wrong => [`wrong answer on ${words(pair.attribute)}`, wrong]),
  ]);
  return [
    ["name", card.name],
    ["id", card.unique_id],
    ...card.splits.map(split => ["split", split]),
    ...card.profile.map(([attribute, text]) => [words(attribute), text]),
    ...qa,
  ].filter(([, text]) => text);
}

function search(query) {
  const terms = plain(query).split(/\s+/).filter(Boolean);
  if (!terms.length) return DATA.cards;
  gallery.texts ??= DATA.cards.map(card =>
    plain(
      cardTexts(card)
        .map(([, text]) => text)
        .join("\n"),
    ),
  );
  return DATA.cards.filter((_, i) => terms.every(term => gallery.texts[i].includes(term)));
}

// --- one card ---

function face(card) {
  if (card.face?.startsWith("data:image/")) {
    return h("img", { class: "face", src: card.face, alt: `Face of ${card.name}` });
  }
  const initials = card.name
    .split(/\s+/)
    .map(word => [...word][0] ?? "")
    .slice(0, 2)
    .join("");
  return h("div", { class: "face", "aria-hidden": "true" }, initials);
}

function facts(pairs) {
  return h(
    "dl",
    { class: "profile" },
    pairs.map(([attribute, text]) => [h("dt", {}, words(attribute)), h("dd", {}, text)]),
  );
}

function questionAndAnswer(pair) {
  return [h("p", { class: "question" }, pair.question), h("p", {}, pair.answer)];
}

function qaItem(pair) {
  return h(
    "li",
    {},
    pair.attribute && h("p", { class: "small muted" }, words(pair.attribute)),
    questionAndAnswer(pair),
    (pair.paraphrased_answer || pair.perturbed_answer.length > 0) &&
      h(
        "ul",
        { class: "small" },
        pair.paraphrased_answer && h("li", {}, "Paraphrased: ", pair.paraphrased_answer),
        pair.perturbed_answer.map(wrong => h("li", {}, "Wrong: ", wrong)),
      ),
  );
}

/** Where a search met a card, if its name does not show it. */
function matchNote(card) {
  const term = plain(gallery.query)
    .split(/\s+/)
    .find(word => word && !plain(`${card.name} ${card.unique_id}`).includes(word));
  if (!term) return null;
  const [where, text] = cardTexts(card).find(([, candidate]) => plain(candidate).includes(term)) ?? [];
  if (!text) return null;
  const at = plain(text).indexOf(term);
  const same = plain(text).length === text.length; // else positions differ, and nothing is marked
  const marked = same
    ? [text.slice(0, at), h("mark", {}, text.slice(at, at + term.length)), text.slice(at + term.length)]
    : [text];
  return h("p", { class: "match" }, h("span", { class: "muted" }, `${where}: `), marked);
}

function cardElement(card) {
  const id = `person-${card.unique_id}`;
  const rest = card.profile.slice(FIRST_FACTS);
  return h(
    "article",
    { class: "person", id, tabindex: "-1", "aria-labelledby": `${id}-name` },
    h(
      "header",
      {},
      face(card),
      h(
        "div",
        {},
        h("h3", { id: `${id}-name` }, card.name),
        h(
          "a",
          {
            class: "small id",
            href: `#person-${encodeURIComponent(card.unique_id)}`,
            "aria-label": `Link to ${card.name}`,
          },
          card.unique_id,
        ),
        card.splits.length > 0 &&
          h(
            "div",
            { class: "tags" },
            card.splits.map(split => h("span", { class: "tag" }, split)),
          ),
      ),
    ),
    facts(card.profile.slice(0, FIRST_FACTS)),
    card.profile.length === 0 &&
      h(
        "ul",
        { class: "qa" },
        card.qa.slice(0, FIRST_QUESTIONS).map(pair => h("li", {}, questionAndAnswer(pair))),
      ),
    rest.length > 0 && h("details", { class: "fold" }, h("summary", {}, `${rest.length} more facts`), facts(rest)),
    card.qa.length > 0 &&
      h(
        "details",
        { class: "fold" },
        h("summary", {}, `${card.qa.length} QA pairs`),
        h("ul", { class: "qa" }, card.qa.map(qaItem)),
      ),
    matchNote(card),
  );
}

// --- pages ---

const field = h("input", {
  type: "search",
  id: "search",
  placeholder: "Name, id or any text",
  autocomplete: "off",
  spellcheck: "false",
  "aria-controls": "cards",
  input: () => {
    clearTimeout(gallery.timer);
    gallery.timer = setTimeout(() => {
      find(field.value);
      rememberSearch();
    }, 120);
  },
});
const status = h("p", { role: "status", id: "found", class: "muted" });
const cards = h("div", { class: "people", id: "cards" });
const pagers = [];

const pages = () => Math.max(1, Math.ceil(gallery.found.length / PAGE));

function find(query, page = 0) {
  gallery.query = query;
  gallery.found = search(query);
  turnTo(page);
}

function turnTo(page) {
  gallery.page = Math.min(Math.max(0, page), pages() - 1);
  const from = gallery.page * PAGE;
  const shown = gallery.found.slice(from, from + PAGE);
  cards.replaceChildren(...shown.map(cardElement));
  status.textContent = shown.length
    ? (gallery.query.trim() ? `${whole(gallery.found.length)} of ${whole(DATA.cards.length)} identities found; ` : "") +
      `${whole(from + 1)} to ${whole(from + shown.length)} of ${whole(gallery.found.length)} shown`
    : "No identity has this text";
  for (const pager of pagers) pager.update();
}

function rememberSearch() {
  const parameters = new URLSearchParams();
  if (gallery.query.trim()) parameters.set("q", gallery.query.trim());
  if (gallery.page) parameters.set("page", gallery.page + 1);
  history.replaceState(null, "", parameters.size ? `#people?${parameters}` : "#people");
}

function restoreSearch(parameters) {
  field.value = parameters.get("q") ?? "";
  find(field.value, (Number(parameters.get("page")) || 1) - 1);
  document.getElementById("people").scrollIntoView();
}

function showPerson(uniqueId) {
  const at = DATA.cards.findIndex(card => card.unique_id === uniqueId);
  if (at < 0) return;
  if (!gallery.found.includes(DATA.cards[at])) {
    field.value = "";
    find("");
  }
  turnTo(Math.floor(gallery.found.indexOf(DATA.cards[at]) / PAGE));
  const element = document.getElementById(`person-${uniqueId}`);
  element.classList.add("found");
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "center" });
}

function pagerElement(name, after) {
  const turn = by => () => {
    turnTo(gallery.page + by);
    rememberSearch();
    after();
  };
  const back = h("button", { type: "button", click: turn(-1) }, "Previous");
  const on = h("button", { type: "button", click: turn(1) }, "Next");
  const where = h("span");
  const element = h("nav", { class: "pager", "aria-label": name }, back, where, on);
  pagers.push({
    update: () => {
      where.textContent = `Page ${whole(gallery.page + 1)} of ${whole(pages())}`;
      back.disabled = gallery.page === 0;
      on.disabled = gallery.page >= pages() - 1;
      element.hidden = pages() === 1;
    },
  });
  return element;
}

function showPeople() {
  if (!DATA.cards.length) return;
  const total = DATA.report.target.identities;
  const some =
    DATA.cards.length < total ? `${whole(DATA.cards.length)} of the ${whole(total)} identities` : "The identities";
  section(
    "people",
    "Identities",
    h("p", { class: "lead" }, `${some}${TWO ? ` of ${NAMES[0]}` : ""}, with their facts and what is asked of them.`),
    h(
      "div",
      { class: "controls", role: "search" },
      h(
        "div",
        { class: "search" },
        h("label", { class: "hidden", for: "search" }, "Search identities by name, id or any text"),
        field,
      ),
      pagerElement("Pages of identities", () => {}),
    ),
    h("div", { class: "controls" }, status),
    cards,
    h(
      "div",
      { class: "controls" },
      pagerElement("Pages of identities, below", () => document.getElementById("people").scrollIntoView()),
    ),
  );
  find("");
}
