/** The lineages that are drawn, by report, for `showLineage`. */
const lineages = new WeakMap();

/** Selects an individual in the lineage of its run, and brings that into view. */
function showLineage(report, place) {
  lineages.get(report)?.show(place);
}

/** Who descends from whom: everybody on a canvas, an individual's ancestors as a graph and as a text. */
function drawLineage(place, report) {
  const known = populationOf(report);
  const people = { ...known.columns, score: known.score };
  const kin = kinOf(people);
  const { champion, sentence } = championAmong(people, report.sections.finalists);
  const run = { report, people, kin, champion, shapes: shapesOf(people, kin), shades: shadesOf(people) };
  const bred = kin.parents.some((parents) => parents.length);
  const view = new LineageView(run, bred);
  const legend = markLegend(run.shades, run.shapes, new Set(people.id.map((_, one) => kindOf(people, kin, one))));
  lineages.set(report, view);
  place.append(
    el("p", {}, introduction(run, report.sections.lineage, bred)),
    sentence ? el("p", {}, sentence) : "",
    view.search,
    view.controls,
    el("div", { class: "lineage" }, el("div", {}, view.picture.canvas, view.tip, view.status, legend), view.panel),
    view.help);
  view.select(champion === NO_ONE ? mostAccurate(people, people.id.map((_, one) => one))[0] : champion, { quietly: true });
  followAddress("lineage", (id) => people.id.includes(id) && view.show(people.id.indexOf(id)));
}

function introduction({ people, champion }, about, bred) {
  const bands = new Set(people.island).size > 1 ? "a band for every island, " : "";
  const seen = `${words.count(people.id.length)} individuals, generation by generation from left to right, ${bands}the most accurate on top.`;
  if (!bred) return `${seen} ${about.breeds ? "Nobody was bred yet, so nobody has parents." : `Nobody has parents: ${about.algorithms.join(", ")} draws everybody anew.`}`;
  return `${seen} The thick line leads, from parent to child, to who is selected: at first ${champion === NO_ONE ? "the most accurate" : "the champion"}.`;
}

const MADE_OTHERWISE = {
  fitted: "it was fitted to right answers",
  composed: "it was composed of policies that were tried",
};

/** Which individual the champion is; of one that was not bred as it stands, a sentence says so. */
function championAmong(people, finalists) {
  if (!finalists) return { champion: NO_ONE, sentence: null };
  const champion = people.key.indexOf(finalists.champion);
  if (champion >= 0) return { champion, sentence: null };
  const winner = people.key.indexOf(finalists.winner);
  if (finalists.dropped.length && winner >= 0) return { champion: winner, sentence: `The champion is ${people.id[winner]} without ${finalists.dropped.join(", ")}: left out when it was chosen.` };
  const told = finalists.contenders.find((one) => one.key === finalists.champion);
  const why = MADE_OTHERWISE[told?.origin] ?? "it was made when the champion was chosen";
  return { champion: NO_ONE, sentence: `The champion${told ? `, ${told.name},` : ""} is none of the individuals: ${why}.` };
}
