/** What an item costs a policy that runs alone. */
const COST_AXES = {
  flops: { name: "FLOPs", axis: "FLOPs of an item" },
  passes: { name: "Passes", axis: "passes of an item" },
  weight_reads: { name: "Weight reads", axis: "bytes of weights read for an item" },
  tokens: { name: "Tokens", axis: "tokens read for an item" },
};

const WIDE = 20; // a range of costs that is wider is drawn on a logarithmic axis

const SPLITS = {
  search: "Every policy that was tried, by what an item costs it and how many of the search items it gets right: higher is better, further left is cheaper. The line joins the policies that nobody beats at their cost or less.",
  selection: "The finalists on the selection items, by which the champion was chosen: higher is better, further left is cheaper. A bar is the 95% interval of what a finalist is expected to score on other items.",
};

/** Accuracy against cost: every distinct policy a point, the best for their cost on a line, finalists by name. */
function drawCost(place, report) {
  const known = populationOf(report);
  const state = { split: "search", x: "flops", y: "accuracy", by: Object.keys(groupingsOf(known))[0] ?? "members", off: new Set(), wide: false };
  const legend = el("div", { class: "choices legend" });
  const [opening, colouring, listed] = [el("p", {}), el("div", {}), el("div", {})];
  const picture = chart(() => costOption(report, known, state), costLabel(known), {
    height: 460,
    ready: (drawn) => drawn.on("rendered", () => whole.draw()),
  });
  const whole = pointedAt(picture, {
    layer: pointLayer(picture, {
      points: () => costPoints(report, known, state).filter((point) => !state.off.has(point.group)),
      looks: () => costLooks(known, state), wide: () => state.wide, grid: COST_GRID,
    }),
    label: "Policies by cost: arrow keys walk from left to right, Enter opens one",
    lines: (point) => costLines(report, known, state, point),
    open: (point, all) => point.place === null ? openFinalist(report, point.finalist) : openIndividual(report, point.place, all.map((one) => one.place).filter((one) => one !== null)),
  });
  function changed(change) {
    Object.assign(state, change);
    whole.forget();
    picture.redraw();
    opening.textContent = SPLITS[state.split];
    colouring.hidden = state.split === "selection";
    legend.replaceChildren(...costLegend(known, state, changed));
    listed.replaceChildren(frontTable(report, known, state));
  }
  place.append(
    opening, el("p", { class: "faint" }, againWords(known)),
    el("div", { class: "controls" }, costControls(report, known, state, changed), colouring), legend, whole, zoomButtons(picture), listed);
  const groupings = groupingsOf(known);
  if (Object.keys(groupings).length > 1) colouring.append(choices("Colour by", groupings, state.by, (by) => changed({ by, off: new Set() })));
  colours.changed(() => changed({}));
  changed({});
}

function costLabel(known) {
  return `Accuracy of ${words.count(known.distinct.length)} policies against their cost, with the front; the table below names those on it`;
}

/** How many individuals came to a policy that was known already. */
function againWords({ columns, count, distinct }) {
  const migrants = columns.migrated_from.filter((from) => from >= 0).length;
  const again = count - migrants - distinct.length;
  const said = [`${words.several(distinct.length, "distinct policy", "distinct policies")} among ${words.several(count, "individual")}`];
  if (again) said.push(`${words.count(again)} came to one that was known already`);
  if (migrants) said.push(`${words.count(migrants)} were migrants`);
  const objectives = Object.keys(columns.objectives);
  const minded = objectives.length > 1 ? ` The search minded ${objectives.map(objectiveWords).join(", ")}.` : "";
  return `${said.join("; ")}.${minded} Click one to see what it is.`;
}

function costControls(report, known, state, changed) {
  const { columns } = known;
  const axes = Object.fromEntries(Object.entries(COST_AXES).map(([name, one]) => [name, one.name]));
  if (columns.objectives.open_share) axes.open_share = "Open share";
  const tasks = Object.keys(columns.by_task);
  const scores = { accuracy: "All tasks", ...Object.fromEntries(tasks.map((task) => [`task:${task}`, task])) };
  return [
    report.sections.finalists ? choices("Items", { search: "Search", selection: "Selection, finalists only" }, state.split, (split) => changed({ split })) : null,
    choices("Cost", axes, state.x, (x) => changed({ x })),
    tasks.length > 1 ? picked("Accuracy of", scores, state.y, (y) => changed({ y })) : null,
  ];
}

/** A list of which one holds, for what may be many. */
function picked(label, options, current, chosen) {
  const list = el("select", { "aria-label": label, change: () => chosen(list.value) }, Object.entries(options).map(([key, name]) => el("option", { value: key, selected: key === current }, name)));
  return el("div", { class: "choices" }, el("span", {}, label), list);
}

/**
 * What is drawn as points.
 * @returns {Array<{place: ?number, key: string, x: number, y: number, group: string, finalist: ?Object}>}
 */
function costPoints(report, known, state) {
  return state.split === "selection" ? selectionPoints(report, known, state) : searchPoints(known, state);
}

function searchPoints(known, state) {
  const { columns, distinct, score } = known;
  const [xs, ys] = [columns[state.x], state.y === "accuracy" ? score : columns.by_task[state.y.slice(5)]];
  const group = grouping(known, state.by);
  return distinct.filter((place) => typeof xs[place] === "number" && typeof ys[place] === "number")
    .map((place) => ({ place, key: columns.key[place], x: xs[place], y: ys[place], group: group(place), finalist: known.finalists.get(columns.key[place]) ?? null }));
}

function selectionPoints(report, known, state) {
  const score = (one) => (state.y === "accuracy" ? one.accuracy : one.by_task[state.y.slice(5)]);
  return report.sections.finalists.contenders.filter((one) => typeof score(one) === "number" && typeof one[state.x] === "number")
    .map((one) => ({ place: known.places.get(one.key)?.[0] ?? null, key: one.key, x: one[state.x], y: score(one), group: "finalists", finalist: one }));
}

/** Those that no other one beats at their cost or less, the cheapest first. Of races, only who was asked everything. */
function frontOf(known, state, points) {
  const whole = state.split === "search" ? points.filter((point) => known.rank.has(point.key)) : points;
  const ordered = [...whole].sort((a, b) => a.x - b.x || b.y - a.y);
  let best = -Infinity;
  return ordered.filter((point) => point.y > best && ((best = point.y), true));
}

/** The finalists that have a name of their own in the picture. */
function markOf(report, one) {
  const found = report.sections.finalists;
  if (!found || !one) return null;
  const members = found.contenders.filter((other) => other.name.startsWith("member ")).sort((a, b) => b.accuracy - a.accuracy);
  if (one.key === found.champion) return { name: "champion", symbol: "diamond", size: 18 };
  if (one === members[0]) return { name: `best member: ${one.name.slice(7)}`, symbol: "triangle", size: 15 };
  if (one.key === found.reference || one.name.startsWith("uniform ")) return { name: one.name, symbol: "rect", size: 13 };
  if (one.name.startsWith("member ")) return { name: `${one.name.slice(7)} alone`, symbol: "triangle", size: 11, hollow: true };
  return { name: "", symbol: "diamond", size: 11, hollow: true };
}

function costLines(report, known, state, point) {
  const { columns, places, finalists } = known;
  const one = finalists.get(point.key);
  const place = point.place;
  const again = place === null ? 0 : places.get(point.key).filter((other) => columns.migrated_from[other] < 0).length - 1;
  const items = place === null ? null : columns.items[place];
  return [
    el("b", {}, one && (place === null || one.name !== columns.id[place]) ? `${one.name}${place === null ? "" : ` (${columns.id[place]})`}` : columns.id[place]),
    place === null ? one.words.join(" ") : whoWords(columns, place),
    `${words.percent(point.y)} right${state.y === "accuracy" ? "" : ` of ${state.y.slice(5)}`}${state.split === "selection" ? " on the selection items" : items === null ? "" : ` of ${words.count(items)} items`}`,
    state.split === "selection" && one.estimate ? `expected ${words.interval({ mean: one.estimate.accuracy, low: one.estimate.low, high: one.estimate.high })}` : null,
    `${words.quantity(point.x)} ${COST_AXES[state.x]?.axis ?? "of steps with a follower"}`,
    again > 0 ? `evaluated ${words.count(again)} more ${again === 1 ? "time" : "times"}` : null,
    one && markOf(report, one).name !== "" && markOf(report, one).name !== one.name ? markOf(report, one).name : null,
  ].filter(Boolean);
}

/** Those on the front as a table, to read and to open without a mouse. */
function frontTable(report, known, state) {
  const front = frontOf(known, state, costPoints(report, known, state));
  const order = front.map((point) => point.place).filter((place) => place !== null);
  const open = (point) => (point.place === null ? openFinalist(report, point.finalist) : openIndividual(report, point.place, order));
  const name = (point) => el("button", { type: "button", class: "link", click: () => open(point) }, point.place === null ? point.finalist.name : known.columns.id[point.place]);
  const rows = front.map((point) => [name(point), point.place === null ? "" : whoWords(known.columns, point.place), words.percent(point.y), words.quantity(point.x)]);
  return el("details", {}, el("summary", {}, `Those on the line, as a table (${words.count(front.length)})`), table(["policy", "who", "right", COST_AXES[state.x]?.axis ?? "open share"], rows));
}
