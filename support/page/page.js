"use strict";
// Hides, sorts, pages and follows links in what the file holds. Nothing is ever parsed as HTML.

const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const byId = id => document.getElementById(id);

function setUpTheme() {
  const themes = ["system", "light", "dark"];
  byId("theme").addEventListener("click", ({ target }) => {
    const { dataset } = document.documentElement;
    dataset.theme = themes[(themes.indexOf(dataset.theme ?? "system") + 1) % themes.length];
    target.textContent = `Theme: ${dataset.theme}`;
  });
}

function setUpFolds() {
  byId("unfold-all")?.addEventListener("click", ({ target }) => {
    const open = target.textContent === "Unfold all";
    target.textContent = open ? "Fold all" : "Unfold all";
    for (const fold of all(".measures details")) fold.open = open;
  });
}

// --- tables that sort: each tbody is a record ---

function sortBy(table, header, bodies) {
  const text = !header.classList.contains("number");
  const order = text ? ["none", "ascending", "descending"] : ["none", "descending", "ascending"];
  const next = order[(order.indexOf(header.getAttribute("aria-sort") ?? "none") + 1) % 3];
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  if (next !== "none") header.setAttribute("aria-sort", next);
  const read = body => {
    const cell = body.rows[0].cells[header.cellIndex];
    return text ? cell.textContent.trim() : Number(cell.dataset.value || NaN);
  };
  const known = value => text || !Number.isNaN(value);
  const sign = next === "ascending" ? 1 : -1;
  const compare = (a, b) => {
    const [x, y] = [read(a), read(b)];
    if (!known(x) || !known(y)) return known(y) - known(x); // what is unknown goes last
    return sign * (text ? x.localeCompare(y) : x - y);
  };
  table.append(...(next === "none" ? bodies : bodies.toSorted(compare)));
}

function setUpTables() {
  for (const table of all("table.sortable")) {
    const bodies = [...table.tBodies];
    for (const header of all("thead th:has(button)", table)) {
      header.firstElementChild.addEventListener("click", () => sortBy(table, header, bodies));
    }
  }
}

// --- the gallery: searched, paged, and linked to by #person-ID or #people?q=...&page=... ---

const PAGE = 24;
const gallery = { cards: all("#cards > article"), texts: null, found: [], query: "", page: 0 };
const whole = number => number.toLocaleString("en-US");
/** Lower case without accents: "Núñez" is found as "nunez". */
const plain = text => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const termsOf = query => plain(query).split(/\s+/).filter(Boolean);
const pages = () => Math.max(1, Math.ceil(gallery.found.length / PAGE));

function find(query, page = 0) {
  const terms = termsOf(query);
  if (terms.length) gallery.texts ??= gallery.cards.map(card => plain(all("h3, .id, .tag, dd", card).map(e => e.textContent).join("\n")));
  gallery.query = query.trim();
  gallery.found = gallery.cards.filter((_, i) => terms.every(term => gallery.texts[i].includes(term)));
  turnTo(page);
}

function turnTo(page) {
  gallery.page = Math.min(Math.max(0, page), pages() - 1);
  const from = gallery.page * PAGE;
  const shown = gallery.found.slice(from, from + PAGE);
  for (const card of gallery.cards) card.hidden = true;
  for (const note of all(".match")) note.remove();
  for (const card of shown) {
    card.hidden = false;
    noteMatch(card);
  }
  const [some, total] = [whole(gallery.found.length), whole(gallery.cards.length)];
  byId("found").textContent = shown.length
    ? `${gallery.query ? `${some} of ${total} identities found; ` : ""}${whole(from + 1)} to ` +
      `${whole(from + shown.length)} of ${some} shown`
    : "No identity has this text";
  for (const pager of all(".pager")) {
    const [back, where, on] = pager.children;
    where.textContent = `Page ${whole(gallery.page + 1)} of ${whole(pages())}`;
    back.disabled = gallery.page === 0;
    on.disabled = gallery.page >= pages() - 1;
    pager.hidden = pages() === 1;
  }
}

/** Says where a search met a card, if its name and id do not show it. */
function noteMatch(card) {
  const name = plain(`${card.querySelector("h3").textContent} ${card.querySelector(".id").textContent}`);
  const term = termsOf(gallery.query).find(candidate => !name.includes(candidate));
  const place = term && all(".tag, dd", card).find(element => plain(element.textContent).includes(term));
  if (!place) return;
  let title = place;
  while (title && title.tagName !== "DT") title = title.previousElementSibling;
  const [text, at] = [place.textContent, plain(place.textContent).indexOf(term)];
  const note = document.createElement("p");
  note.className = "match";
  note.append(`${title?.textContent ?? "split"}: `);
  if (plain(text).length === text.length) {
    const mark = document.createElement("mark");
    mark.textContent = text.slice(at, at + term.length);
    note.append(text.slice(0, at), mark, text.slice(at + term.length));
  } else note.append(text); // positions differ, and nothing is marked
  card.append(note);
}

function rememberSearch() {
  const parameters = new URLSearchParams();
  if (gallery.query) parameters.set("q", gallery.query);
  if (gallery.page) parameters.set("page", gallery.page + 1);
  history.replaceState(null, "", parameters.size ? `#people?${parameters}` : "#people");
}

function showPerson(id) {
  const card = gallery.cards.find(candidate => candidate.id === id);
  if (!card) return;
  if (!gallery.found.includes(card)) {
    byId("search").value = "";
    find("");
  }
  turnTo(Math.floor(gallery.found.indexOf(card) / PAGE));
  for (const other of gallery.cards) other.classList.toggle("found", other === card);
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "center" });
}

function setUpGallery() {
  if (!gallery.cards.length) return;
  let timer;
  byId("search").addEventListener("input", ({ target }) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      find(target.value);
      rememberSearch();
    }, 120);
  });
  for (const button of all(".pager button")) {
    button.addEventListener("click", () => {
      turnTo(gallery.page + Number(button.value));
      rememberSearch();
      if (!button.closest("[role=search]")) byId("people").scrollIntoView();
    });
  }
  find("");
}

// --- links into the page ---

/** Shows what the address names: a person's page is turned up, whatever is folded is unfolded. */
function followHash() {
  const hash = location.hash.slice(1);
  if (hash.startsWith("people?") && gallery.cards.length) {
    const parameters = new URLSearchParams(hash.slice("people?".length));
    byId("search").value = parameters.get("q") ?? "";
    find(byId("search").value, (Number(parameters.get("page")) || 1) - 1);
    byId("people").scrollIntoView();
    return;
  }
  let id;
  try {
    id = decodeURIComponent(hash);
  } catch {
    return; // half a percent sign
  }
  if (id.startsWith("person-")) return showPerson(id);
  const fold = byId(id)?.matches("details") ? byId(id) : byId(id)?.querySelector(":scope > th > details");
  if (!fold) return;
  fold.open = true;
  byId(id).scrollIntoView({ block: "center" });
}

setUpTheme();
setUpFolds();
setUpTables();
setUpGallery();
followHash();
addEventListener("hashchange", followHash);
