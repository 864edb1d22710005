const MANY_ISLANDS = 6; // more are shown one at a time

/** Best, median and spread per island over the generations, with migrations and new starts; and what each took. */
function drawGenerations(place, report) {
  const told = report.sections.generations;
  const events = eventsOf(report.sections.individuals);
  const state = { objective: told.objectives[0], shown: told.islands.length > MANY_ISLANDS ? "0" : "all" };
  const pictures = el("div", { class: "multiples" });
  const islands = () => (state.shown === "all" ? told.islands.map((_, island) => island) : [Number(state.shown)]);
  function changed(change) {
    Object.assign(state, change);
    pictures.replaceChildren(...islands().map((island) => islandPicture(told, events, island, state.objective)));
  }
  place.append(
    el("p", {}, `How the ${told.islands.length === 1 ? "population" : "islands"} fared, generation by generation: the solid line is the best, the dashed one the median, the band holds the middle half.`),
    el("p", { class: "faint" }, sourceWords(told, report)),
    ...[
      told.objectives.length > 1 ? choices("Objective", Object.fromEntries(told.objectives.map((name) => [name, objectiveWords(name)])), state.objective, (objective) => changed({ objective })) : null,
      told.islands.length > MANY_ISLANDS ? picked("Island", { ...Object.fromEntries(told.islands.map((_, island) => [String(island), `island ${island}`])), all: "all, side by side" }, state.shown, (shown) => changed({ shown })) : null,
      eventKey(events),
    ].filter(Boolean),
    pictures, ...effort(told));
  changed({});
}

const objectiveWords = (name) => (name === "flops" ? "FLOPs" : name.replaceAll("_", " ").replace(":", " of "));

function sourceWords(told, report) {
  if (told.source === "individuals") return "This run was written by a version that did not journal its populations. Shown are those who were evaluated in each generation, without the survivors of earlier ones: a best that falls was not lost, only not evaluated again.";
  return report.sections.individuals.items.some((items) => items !== null) ? "Of a race: accuracy as it was estimated on all search items." : "Of the population at the end of each generation, on the search items.";
}

/**
 * What happened on islands beside births: arrivals by where they came from, and new starts.
 * @returns {{arrivals: Map<string, Map<number, number>>, reseeded: Set<string>, any: boolean}} by "island generation"
 */
function eventsOf(columns) {
  const [arrivals, reseeded] = [new Map(), new Set()];
  const anew = new Set(columns.operators.flatMap((operator, number) => (operator.startsWith("reseed:") ? [number] : [])));
  columns.id.forEach((_, place) => {
    const at = `${columns.island[place]} ${columns.generation[place]}`;
    if (anew.has(columns.operator[place])) reseeded.add(at);
    const from = columns.migrated_from[place];
    if (from < 0) return;
    if (!arrivals.has(at)) arrivals.set(at, new Map());
    const known = arrivals.get(at);
    known.set(columns.island[from], (known.get(columns.island[from]) ?? 0) + 1);
  });
  return { arrivals, reseeded };
}

function eventKey({ arrivals, reseeded }) {
  const parts = [
    arrivals.size ? [glyph("triangle", "currentColor"), " migrants arrived"] : null,
    reseeded.size ? [glyph("diamond", "var(--bad)"), " started anew"] : null,
  ].filter(Boolean);
  return parts.length ? el("div", { class: "choices" }, parts.map((part) => el("span", { class: "key" }, part))) : null;
}

const arrivalWords = (from) => `migrants: ${[...from].map(([island, count]) => `${words.count(count)} from island ${island}`).join(", ")}`;

const valueOf = (objective) => (objective.startsWith("accuracy") || objective === "open_share" ? (value, digits = 1) => words.percent(value, digits) : words.quantity);

function islandPicture(told, events, island, objective) {
  const band = told.islands[island][objective];
  const best = band.best.filter((value) => value !== null);
  const written = valueOf(objective);
  const label = `Island ${island}: best ${objectiveWords(objective)} ${written(best[0])} in the first generation, ${written(best[best.length - 1])} in the last`;
  return el("figure", {}, told.islands.length > 1 ? el("figcaption", {}, `Island ${island}`) : null,
    chart(() => islandOption(told, events, island, objective), label, { height: told.islands.length > 1 ? 230 : 320 }));
}

/** The ends of the axis that all islands share. */
function sharedRange(told, objective) {
  const values = told.islands.flatMap((one) => Object.values(one[objective]).flat()).filter((value) => value !== null);
  if (!values.length) return { min: 0, max: 1 };
  const [low, high] = [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
  const pad = (high - low) * 0.08 || Math.abs(high) * 0.05 || 0.05;
  if (!objective.startsWith("accuracy")) return { min: Math.max(0, low - pad), max: high + pad };
  return { min: Math.max(0, Math.floor((low - pad) * 10) / 10), max: Math.min(1, Math.ceil((high + pad) * 10) / 10) };
}

function islandOption(told, events, island, objective) {
  const band = told.islands[island][objective];
  const written = valueOf(objective);
  const colour = colours.of("accent");
  const pairs = (values) => values.map((value, number) => [told.generation[number], value]);
  const ends = sharedRange(told, objective);
  const shown = axis({ type: "value", ...ends });
  return {
    grid: { left: 58, right: 16, top: 12, bottom: 42 },
    tooltip: tip((pointed) => islandLines(told, events, island, objective, pointed[0].axisValue), { trigger: "axis", axisPointer: { type: "line", lineStyle: { color: colours.of("faint") } } }),
    xAxis: axis({ type: "value", name: "generation", nameGap: 24, min: told.generation[0], max: told.generation[told.generation.length - 1], minInterval: 1 }),
    yAxis: { ...shown, axisLabel: { ...shown.axisLabel, formatter: (value) => written(value, 0) } },
    series: [
      ...bandSeries(pairs(band.lower_quartile), pairs(band.upper_quartile), colour),
      { type: "line", name: "median", data: pairs(band.median), showSymbol: told.generation.length < 4, symbolSize: 5, lineStyle: { type: "dashed", width: 1.5, color: colour }, itemStyle: { color: colour } },
      { type: "line", name: "best", data: pairs(band.best), showSymbol: told.generation.length < 4, symbolSize: 6, lineStyle: { width: 2.5, color: colour }, itemStyle: { color: colour } },
      ...eventSeries(told, events, island, ends),
    ],
  };
}

/** A band between two lines: the lower one unseen, the way up to the upper one filled. */
function bandSeries(lower, upper, colour) {
  const still = { type: "line", stack: "band", stackStrategy: "all", silent: true, symbol: "none", lineStyle: { opacity: 0 } };
  return [
    { ...still, data: lower },
    { ...still, data: upper.map(([x, high], number) => [x, high === null ? null : high - lower[number][1]]), areaStyle: { color: colour, opacity: 0.18 } },
  ];
}

/** Arrivals as ticks along the bottom, new starts along the top, so that neither hides the lines. */
function eventSeries(told, events, island, ends) {
  const at = (generation) => `${island} ${generation}`;
  const many = told.generation.length > 100;
  const marked = (known, y, more) => ({ type: "scatter", silent: true, z: 5, data: told.generation.filter((generation) => known.has(at(generation))).map((generation) => [generation, y]), ...more });
  return [
    marked(events.arrivals, ends.min, { symbol: "triangle", symbolSize: many ? [4, 7] : [9, 8], symbolOffset: [0, -4], itemStyle: { color: colours.of("ink") } }),
    marked(events.reseeded, ends.max, { symbol: "diamond", symbolSize: many ? 8 : 11, symbolOffset: [0, 6], itemStyle: { color: colours.of("bad") } }),
  ];
}

function islandLines(told, events, island, objective, generation) {
  const number = told.generation.indexOf(Math.round(generation));
  const [band, written] = [told.islands[island][objective], valueOf(objective)];
  const [from, at] = [events.arrivals.get(`${island} ${generation}`), `${island} ${generation}`];
  const [stagnant, diversity] = [told.stagnant?.[island][number], told.diversity?.[island][number]];
  return [
    el("b", {}, `generation ${generation}, island ${island}`),
    `best ${written(band.best[number])}, median ${written(band.median[number])}`,
    `middle half ${written(band.lower_quartile[number])} to ${written(band.upper_quartile[number])}`,
    from ? arrivalWords(from) : null,
    events.reseeded.has(at) ? "started anew from its best" : null,
    stagnant ? `no better for ${words.several(stagnant, "generation")}` : null,
    typeof diversity === "number" ? `diversity ${words.number(diversity, 2)}: how far two of its policies are apart, from 0 to 1` : null,
  ].filter(Boolean);
}

/** What each generation took; nothing where the run does not say. */
function effort(told) {
  if (told.source !== "figures") return [];
  const of = (values, name, written) => el("figure", {}, el("figcaption", {}, name), chart(() => effortOption(told, values, written), `${name} in each of ${words.count(told.generation.length)} generations`, { height: 160 }));
  const fresh = told.evaluations.reduce((sum, one) => sum + one, 0);
  const decoded = told.decoded.reduce((sum, one) => sum + one, 0);
  return [
    el("h3", {}, "What generations took"),
    el("p", {}, `${words.count(fresh)} evaluations (a policy on an item), of which ${words.count(decoded)} had to be decoded and the others were known already${told.seconds.some((one) => one !== null) ? `; ${spanOf(told.seconds.reduce((sum, one) => sum + (one ?? 0), 0))} in all` : ""}.`),
    el("div", { class: "multiples" }, of(told.evaluations, "evaluations", words.count), of(told.decoded, "decoded", words.count), told.seconds.some((one) => one !== null) ? of(told.seconds, "seconds", (value) => words.number(value, 3)) : null,
      told.hypervolume.some((one) => one !== null) ? of(told.hypervolume, "hypervolume of the front so far, from 0 to 1", (value) => words.number(value, 4)) : null),
  ];
}

function spanOf(seconds) {
  if (seconds < 90) return `${words.number(seconds, 3)} seconds`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(1)} minutes` : `${(seconds / 3600).toFixed(1)} hours`;
}

function effortOption(told, values, written) {
  const shown = axis({ type: "value", min: 0, splitNumber: 3, minInterval: values.every(Number.isInteger) ? 1 : 0 });
  return {
    grid: { left: 52, right: 14, top: 8, bottom: 36 },
    tooltip: tip((pointed) => [`generation ${told.generation[pointed[0].dataIndex]}: ${values[pointed[0].dataIndex] === null ? "not known" : written(values[pointed[0].dataIndex])}`], { trigger: "axis" }),
    xAxis: axis({ type: "category", name: "generation", nameGap: 22, data: told.generation.map(String), splitLine: { show: false }, axisLabel: { color: colours.of("faint"), interval: everyFew(told.generation.length, 8) } }),
    yAxis: { ...shown, axisLabel: { ...shown.axisLabel, formatter: words.tick } },
    series: [{ type: "bar", data: values, itemStyle: { color: colours.of("faint") }, barCategoryGap: "15%" }],
  };
}
