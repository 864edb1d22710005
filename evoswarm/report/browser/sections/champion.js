/** The champion in words and as a card, then beside those it is compared with. */
function drawChampion(place, report) {
  const said = report.sections.champion;
  const items = said.split === "test" ? "test items" : "selection items";
  put(place,
    el("p", { class: "faint" }, `The policy that the search ends with: who answers, with what weight, when. Shares and costs are of its answers to the ${items}.`),
    el("div", { class: "card" }, said.words.map((line) => el("p", {}, line)), championMembers(said), championCosts(said)),
    championTasks(said, items));
  if (said.compared.length) put(place, championRivals(report, said));
  else if (report.sections.finalists) put(place, championStandings(report));
}

const alwaysSpeaks = () => el("span", { class: "unbroken" }, "always speaks");

/** A row a member: its settings, how often it spoke, what is lost without it. */
function championMembers(said) {
  const settings = [...new Set(said.members.flatMap((one) => Object.keys(one.settings)))];
  const worth = said.members.some((one) => one.worth);
  const setting = (one, name) => {
    const values = one.settings[name];
    if (!values) return name === "threshold" && one.role === "lead" ? alwaysSpeaks() : "";
    if (name === "threshold") return values[0] === null ? "never" : values[0] === 0 ? alwaysSpeaks() : el("span", { class: "unbroken" }, `from ${words.number(values[0], 3)} nats`);
    return values.map((value) => words.number(value, 3)).join(", ");
  };
  const lost = (one) => (one.worth ? [el("span", { class: "unbroken" }, words.gain(one.worth)), one.role === "lead" && one.then ? `; ${one.then} leads then` : ""] : "not known");
  return table(
    ["member", "role", ...settings, "share of steps", ...(worth ? ["lost without it (points)"] : [])],
    said.members.map((one) => [
      memberMark(one.name, one.number), one.role, ...settings.map((name) => setting(one, name)),
      [words.percent(one.steps, 0), one.quiet ? " (it hardly speaks)" : ""], ...(worth ? [lost(one)] : []),
    ]), "The members of the champion");
}

function championCosts(said) {
  const { flops, passes, weight_reads: reads } = said.compute;
  return el("p", { class: "faint" }, `Each answer costs ${words.quantity(flops)} FLOPs, ${words.number(passes, 3)} passes and ${words.quantity(reads)}B of weights read, deployed alone.`);
}

function championTasks(said, items) {
  const tasks = Object.entries(said.by_task);
  if (tasks.length < 2) return null;
  const rows = tasks.map(([task, one]) => ({ name: `${task} (${words.count(one.items)})`, look: "champion", ...one, text: words.interval(one) }));
  return el("div", {}, el("h3", {}, "Task by task"),
    forest(`The champion's accuracy on the ${items}, with 95% intervals; how many there are is in brackets`, ["task", "accuracy"], [{ title: null, rows }], PERCENT_SCALE));
}

const PERCENT_SCALE = { format: (value) => words.percent(value, 0), least: 0, most: 1 };

/** What a group of those compared is called, and how its dots look. */
const COMPARED = {
  rival: { title: "Rivals: to add value, the champion must beat them all", look: "rival" },
  unsearched: { title: "Mixes that need no search", look: "other" },
  ceiling: { title: "Ceilings, told the right answers: nobody can play these", look: "ceiling" },
  diagnostic: { title: null, look: "other" },
};
const BESIDE = ["rival", "unsearched", "ceiling"];

const comparedName = (one) => (one.key.startsWith("R") ? `${one.key} ${one.name}` : one.name);

/** Scores, differences and costs of all on the test items. */
function championRivals(report, said) {
  const score = report.sections.verdict.score;
  const own = { title: null, rows: [{ name: el("strong", {}, "champion"), look: "champion", ...score, text: words.interval(score) }] };
  return [
    el("h3", {}, "Beside its rivals"),
    el("p", { class: "faint" }, "A dot is what was scored, its bar the 95% interval; round dots are the champion (large) and its rivals, squares other mixes, diamonds ceilings."),
    forest(`Accuracy on the ${words.count(score.items)} test items`, ["who", "accuracy"],
      [own, ...comparedGroups(said, BESIDE, (one) => ({ ...one.score, text: words.interval(one.score) }))], PERCENT_SCALE),
    championAhead(said, BESIDE),
    championRatios(said),
    said.compared.some((one) => one.group === "diagnostic") ? el("details", {}, el("summary", {}, "Diagnostics: what the champion's parts are good for"), championAhead(said, ["diagnostic"])) : null,
    el("details", {}, el("summary", {}, "What each of them is"),
      el("dl", { class: "described" }, said.compared.map((one) => [el("dt", {}, comparedName(one)), el("dd", {}, one.description)]), said.absent.map((one) => [el("dt", {}, one.key), el("dd", {}, one.why)]))),
  ];
}

/** Those compared, group by group; `row` gives the figures of one. */
function comparedGroups(said, names, row) {
  return names.map((name) => ({ title: COMPARED[name].title, rows: said.compared.filter((one) => one.group === name).map((one) => ({ name: comparedName(one), look: COMPARED[name].look, ...row(one) })) }));
}

function championAhead(said, names) {
  const points = (value) => words.number(100 * value, 3);
  const groups = comparedGroups(said, names, (one) => ({ ...one.difference, text: words.gain(one.difference), badge: comparedBadge(one) }));
  return forest(`How far the champion is ahead, in points, paired by item; dashed: no difference, and the ${points(said.margin)} points that count as a gain`,
    ["than", "champion ahead by"], groups, { format: points, marks: [{ at: 0, words: "" }, { at: said.margin, words: "" }] });
}

function comparedBadge(one) {
  if (one.beaten !== undefined) return one.beaten ? "beaten" : "not beaten";
  return one.p_holm === undefined ? null : one.p_holm < 0.001 ? "p < 0.001" : `p ${one.p_holm.toFixed(3)}`;
}

function championRatios(said) {
  const rows = said.compared.filter((one) => one.group === "rival" || one.group === "unsearched");
  const times = (one, name) => (one.ratio ? `${one.ratio[name].toFixed(2)}×` : "it costs nothing");
  return el("div", {},
    table(["what the champion costs, times what", "FLOPs", "passes", "weight reads"], rows.map((one) => [comparedName(one), ...["flops", "passes", "weight_reads"].map((name) => times(one, name))]), "What the champion costs beside the others"),
    el("p", { class: "faint" }, said.note));
}

const SHOWN_FIRST = 8;

/** Where nothing was tested: the contenders on the selection items, with what is expected of each on others. */
function championStandings(report) {
  const { contenders, champion } = report.sections.finalists;
  const expected = contenders.some((one) => one.estimate);
  const row = (one) => ({
    name: one.key === champion ? el("strong", {}, `champion (${one.name})`) : one.name, look: one.key === champion ? "champion" : one.origin === "plain" ? "rival" : "other",
    mean: one.estimate?.accuracy ?? one.accuracy, low: one.estimate?.low ?? null, high: one.estimate?.high ?? null,
    text: one.estimate ? words.interval({ mean: one.estimate.accuracy, low: one.estimate.low, high: one.estimate.high }) : words.percent(one.accuracy),
  });
  const able = contenders.filter((one) => one.accuracy !== null).sort((one, other) => row(other).mean - row(one).mean);
  const first = able.filter((one, number) => number < SHOWN_FIRST || one.key === champion || one.origin === "plain");
  const caption = `The contenders on the ${words.count(contenders[0]?.items ?? 0)} selection items`;
  const plot = (of) => forest(caption, ["who", expected ? "expected" : "accuracy"], [{ title: null, rows: of.map(row) }], PERCENT_SCALE);
  return [
    el("h3", {}, "Beside the other contenders"),
    el("p", { class: "faint" }, `No test items were opened for it, so these are scores by which it was chosen: ${expected ? "what each contender is expected to score on other items, with a 95% interval" : "accuracies on the selection items"}. Round dots: members alone and all members alike; squares: what the search made.`),
    plot(first),
    first.length < able.length ? el("details", {}, el("summary", {}, `All ${words.count(able.length)} contenders`), plot(able)) : null];
}
