"use strict";
const SHOWN = 60;
const grid = document.getElementById("grid");
const problem = document.getElementById("problem");
let faces = [];
let start = 0;

async function ask(path, body) {
  const options = body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
  const answer = await fetch(path, options);
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error);
  return value;
}

function percent(share) {
  return share === null ? "?" : `${Math.round(100 * share)}%`;
}

function fill(card, face) {
  const [picture, about, state] = card.children;
  picture.alt = face.file;
  card.title = face.file;
  const age = face.age === null ? "age ?" : `${face.age}`;
  const sure = face.gender_confidence === null || face.decision ? "" : ` ${percent(face.gender_confidence)}`;
  about.textContent = `${age}, ${face.gender ?? "gender ?"}${sure}`;
  const young = face.under_20 === null || face.decision ? "" : `under 20: ${percent(face.under_20)}`;
  const more = face.faces > 1 ? `, ${face.faces} faces` : face.frontal === "no" ? ", turned" : "";
  state.textContent = face.left_out ?? (face.decision === "keep" ? "kept by hand" : young + more);
  card.className = face.left_out ? "out" : face.decision;
}

function show(focus = 0) {
  grid.replaceChildren();
  for (const face of faces.slice(start, start + SHOWN)) {
    const card = document.createElement("li");
    card.tabIndex = 0;
    card.dataset.number = face.number;
    const picture = document.createElement("img");
    picture.src = `/face/${face.number}.jpg`;
    card.append(picture, document.createElement("p"), document.createElement("p"));
    card.lastChild.className = "state";
    fill(card, face);
    grid.append(card);
  }
  grid.children[Math.min(focus, grid.children.length - 1)]?.focus();
  count();
}

function count() {
  const decided = faces.filter((face) => face.decision).length;
  const used = faces.filter((face) => !face.left_out).length;
  const last = Math.min(start + SHOWN, faces.length);
  document.getElementById("progress").textContent =
    `${faces.length ? start + 1 : 0} to ${last} of ${faces.length}, the most doubtful first; ${decided} decided, ${used} used`;
}

function update(face) {
  if (!face) return;
  const place = faces.findIndex((one) => one.number === face.number);
  faces[place] = face;
  if (place < start || place >= start + SHOWN) {
    start = place - (place % SHOWN);
    show(place - start);
  } else {
    fill(grid.children[place - start], face);
  }
  count();
}

function columns() {
  const top = grid.firstElementChild.offsetTop;
  return [...grid.children].filter((card) => card.offsetTop === top).length;
}

function turn(pages) {
  const next = start + pages * SHOWN;
  if (next < 0 || next >= faces.length) return;
  start = next;
  show();
  window.scrollTo(0, 0);
}

function move(steps) {
  const cards = [...grid.children];
  const place = cards.indexOf(document.activeElement) + steps;
  if (place >= cards.length && start + SHOWN < faces.length) turn(1);
  else cards[Math.max(0, Math.min(place, cards.length - 1))]?.focus();
}

async function press(key, number) {
  const wanted = { f: { gender: "female" }, m: { gender: "male" }, k: { decision: "keep" }, x: { decision: "exclude" } }[key]
    ?? (/^[1-9]$/.test(key) ? { band: Number(key) - 1 } : null);
  if (key === "u") return update(await ask("/undo", {}));
  if (!wanted || number === undefined) return;
  update(await ask("/decide", { number: Number(number), ...wanted }));
}

const MOVES = { ArrowRight: () => move(1), ArrowLeft: () => move(-1), ArrowDown: () => move(columns()),
  ArrowUp: () => move(-columns()), n: () => turn(1), p: () => turn(-1) };
let waiting = Promise.resolve();

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (MOVES[event.key]) {
    event.preventDefault();
    MOVES[event.key]();
  } else if (/^[fmkxu1-9]$/.test(event.key)) {
    const number = document.activeElement.closest("#grid li")?.dataset.number;
    // one after the other, in the order of the keys
    waiting = waiting.then(() => press(event.key, number)).then(() => { problem.hidden = true; }, (error) => {
      problem.textContent = `Not saved: ${error.message}`;
      problem.hidden = false;
    });
  }
});

document.getElementById("done").addEventListener("click", async () => {
  await waiting;
  await ask("/done", {});
  document.getElementById("main").textContent = "Saved. You can close this page.";
});

ask("/faces.json").then((value) => {
  faces = value.faces;
  document.getElementById("folder").textContent = value.folder;
  const bands = document.getElementById("bands");
  value.bands.forEach((band, i) => {
    const key = document.createElement("kbd");
    key.textContent = i + 1;
    bands.append(key, ` ${band}${i + 1 < value.bands.length ? ", " : "."}`);
  });
  show();
});
