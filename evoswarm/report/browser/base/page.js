/**
 * The sections from top to bottom. `draw` fills the place of a section from its data (`report.sections`), or says what
 * is missing; a section whose `needs` are null in the data is left out of the page with one line at its end.
 */
const SECTIONS = [
  { id: "verdict", title: "What won", needs: ["verdict"], draw: drawVerdict },
  { id: "champion", title: "The champion", needs: ["champion"], draw: drawChampion },
  { id: "cost", title: "Accuracy against cost", needs: ["individuals"], draw: drawCost },
  { id: "generations", title: "Generation by generation", needs: ["generations"], draw: drawGenerations },
  { id: "settled", title: "What evolution settled on", needs: ["individuals"], draw: drawSettled },
  { id: "lineage", title: "Lineage", needs: ["individuals", "lineage"], draw: drawLineage },
  { id: "forks", title: "Answers, symbol by symbol", needs: ["forks"], draw: drawForks },
  { id: "weight", title: "Where mixing decides", needs: ["weight"], draw: drawWeight },
  { id: "pool", title: "How members complement each other", needs: ["pool"], draw: drawPool },
  { id: "compute", title: "Where compute went", needs: ["compute"], draw: drawCompute },
  { id: "repeat", title: "Repeat it", needs: ["repeat"], draw: drawRepeat },
];

const THEMES = { auto: "Auto", light: "Light", dark: "Dark" };

/** What the reader chose before, where the browser keeps such things for this page: within frames it may not. */
const kept = {
  get(name) {
    try { return localStorage.getItem(`evoswarm-${name}`); } catch { return null; }
  },
  set(name, value) {
    try { localStorage.setItem(`evoswarm-${name}`, value); } catch { /* then it holds while the page is open */ }
  },
};

/** Draws the page of one run. */
function drawReport(report, data) {
  const shown = SECTIONS.filter((section) => section.needs.every((name) => report.sections[name]));
  const left = SECTIONS.filter((section) => !shown.includes(section));
  drawPage(report.name, pageWords(report, data), shown.map((section) => ({ ...section, draw: (place) => section.draw(place, report) })),
    left.length ? `Not known of this run: ${left.map((section) => section.title.toLowerCase()).join("; ")}.` : null);
}

/** Whose run it is, in a line. */
function pageWords(report, data) {
  return [`Space ${report.space}, seed ${report.seed}; evoswarm ${data.evoswarm}.`, report.description].filter(Boolean).join(" ");
}

/**
 * The page: its head, a way to its sections, and these.
 * @param {string} title
 * @param {string} about in a line
 * @param {Array<{id: string, title: string, draw: function(HTMLElement)}>} sections
 * @param {?string} end what stands behind the last
 */
function drawPage(title, about, sections, end) {
  document.title = `${title} – evoswarm`;
  const theme = THEMES[kept.get("theme")] ? kept.get("theme") : "auto";
  colours.set(theme);
  const links = sections.map((section) => el("a", { href: `#${section.id}` }, section.title));
  const places = sections.map((section) => el("section", { id: section.id, "aria-labelledby": `${section.id}-title`, tabindex: "-1" }, el("h2", { id: `${section.id}-title` }, section.title)));
  document.body.append(
    el("a", { class: "skip", href: "#content" }, "To the content"),
    el("header", {}, el("div", {}, el("h1", {}, title), el("p", { class: "faint" }, about)),
      choices("Theme", THEMES, theme, (chosen) => { colours.set(chosen); kept.set("theme", chosen); })),
    el("nav", { "aria-label": "Sections" }, el("ol", {}, links.map((link) => el("li", {}, link)))),
    el("main", { id: "content", tabindex: "-1" }, places, end ? el("p", { class: "faint" }, end) : null));
  sections.forEach((section, number) => drawInto(places[number], section));
  markCurrent(places, links);
  lightOnPaper();
  leadWithinFrames();
  document.getElementById(location.hash.slice(1))?.scrollIntoView(); // the browser looked for it before it was there
}

/** A section that cannot be drawn takes nothing else with it. */
function drawInto(place, section) {
  try {
    section.draw(place);
  } catch (error) {
    console.error(error);
    place.append(el("p", { class: "bad" }, `This part could not be drawn: ${error.message}`));
  }
}

/** Marks the way to the section that is being read: the last whose head has come to the upper third of the window. */
function markCurrent(places, links) {
  let current = null;
  const mark = () => {
    const line = innerHeight / 3;
    const atEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - 2 && scrollY > 0;
    const found = atEnd ? places.length - 1 : places.findLastIndex((place) => place.getBoundingClientRect().top <= line);
    if (found === current) return;
    links[current]?.removeAttribute("aria-current");
    current = found;
    links[current]?.setAttribute("aria-current", "true");
    const list = links[current]?.closest("ol");
    if (list && list.scrollWidth > list.clientWidth) list.scrollTo({ left: links[current].offsetLeft - 16 });
  };
  let asked = false;
  addEventListener("scroll", () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; mark(); });
  }, { passive: true });
  mark();
}

/** Links lead to their places within a frame too whose address may not be changed by them, such as MLflow's. */
function leadWithinFrames() {
  if (self === top) return;
  addEventListener("click", (event) => {
    const target = event.target.closest("a[href^='#']")?.getAttribute("href");
    if (!target) return;
    event.preventDefault();
    try { history.replaceState(null, "", target); } catch { /* then the address stays as it is */ }
    const place = document.getElementById(target.slice(1));
    place?.scrollIntoView();
    place?.focus({ preventScroll: true }); // whoever uses the keyboard goes on from there
    dispatchEvent(new Event("hashchange")); // which a browser would have told of
  });
}

/** Paper is light, whatever the screen was. */
function lightOnPaper() {
  let before = "auto";
  addEventListener("beforeprint", () => { before = document.documentElement.dataset.theme ?? "auto"; colours.set("light"); });
  addEventListener("afterprint", () => colours.set(before));
}

unpacked().then((data) => {
  if (data.runs.length > 1) drawComparison(data);
  else {
    drawReport(data.runs[0], data);
    followIndividuals(data.runs[0]);
  }
  document.documentElement.dataset.ready = "yes";
}).catch((error) => {
  console.error(error);
  document.body.append(el("p", { class: "bad" }, `This page could not be drawn (${error.message}): it needs a browser of 2023 or later.`));
});
