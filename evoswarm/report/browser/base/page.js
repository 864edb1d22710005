/**
 * The sections from top to bottom. `draw` fills the place of a section from its data (`report.sections`), or says what
 * is missing; a section whose `needs` are null in the data is left out of the page with one line at its end.
 */
const SECTIONS = [
  { id: "verdict", title: "What won", needs: ["verdict"], draw: drawVerdict },
  { id: "lineage", title: "Lineage", needs: ["individuals", "lineage"], draw: drawLineage },
  { id: "forks", title: "Answers, symbol by symbol", needs: ["forks"], draw: drawForks },
  { id: "weight", title: "Where mixing decides", needs: ["weight"], draw: drawWeight },
  { id: "pool", title: "How members complement each other", needs: ["pool"], draw: drawPool },
];

const THEMES = { auto: "Auto", light: "Light", dark: "Dark" };

/** Draws the page of one run. */
function drawReport(report) {
  const shown = SECTIONS.filter((section) => section.needs.every((name) => report.sections[name]));
  const left = SECTIONS.filter((section) => !shown.includes(section));
  document.title = `${report.name} – evoswarm`;
  document.body.append(
    el("a", { class: "skip", href: "#content" }, "To the content"),
    el("header", {},
      el("h1", {}, report.name),
      choices("Theme", THEMES, "auto", colours.set)),
    el("nav", { "aria-label": "Sections" }, el("ol", {}, shown.map((section) => el("li", {}, el("a", { href: `#${section.id}` }, section.title))))),
    el("main", { id: "content" },
      shown.map((section) => {
        const place = el("section", { id: section.id, "aria-labelledby": `${section.id}-title` }, el("h2", { id: `${section.id}-title` }, section.title));
        section.draw(place, report);
        return place;
      }),
      left.length ? el("p", { class: "faint" }, `Not known of this run: ${left.map((section) => section.title.toLowerCase()).join("; ")}.`) : null));
}

unpacked().then((data) => {
  drawReport(data.runs[0]);
  followIndividuals(data.runs[0]);
  document.documentElement.dataset.ready = "yes";
});
