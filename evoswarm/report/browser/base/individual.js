/**
 * Opens the dialog of one individual; Esc closes it, and the focus goes back to where it was.
 * @param {Object} report
 * @param {number} place of the individual in the columns of `report.sections.individuals`
 * @param {?number[]} order the places that "previous" and "next" walk through; null is the order of the file
 */
function openIndividual(report, place, order = null) {
  const known = populationOf(report);
  const everybody = Array.from({ length: known.count }, (_, number) => number);
  let walk = order && order.includes(place) ? order : everybody;
  const dialog = shownDialog("individual-title");
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && !event.altKey && !event.ctrlKey && !event.metaKey) move(step);
  });
  function move(step) {
    const next = walk[walk.indexOf(place) + step];
    if (next !== undefined) show(next, step < 0 ? "previous" : "next");
  }
  function show(shown, focus = "close") {
    place = shown;
    if (!walk.includes(shown)) walk = everybody;
    dialog.dataset.individual = known.columns.id[shown];
    dialog.replaceChildren(...individualParts(report, known, shown, (other) => show(other)), individualButtons(report, dialog, walk, shown, move));
    dialog.scrollTop = 0;
    const wanted = dialog.querySelector(`button[data-step=${focus}]:not([disabled])`) ?? dialog.querySelector("button[data-step=close]");
    wanted.focus({ preventScroll: true });
  }
  show(place);
}

/** Opens the dialog of a finalist that is no individual, such as a fitted route. */
function openFinalist(report, one) {
  const dialog = shownDialog("individual-title");
  dialog.append(
    el("h2", { id: "individual-title" }, one.name, " ", report.sections.finalists.champion === one.key ? el("span", { class: "badge" }, "champion") : null),
    el("p", {}, `No individual of the search: ${{ plain: "what every champion is compared with", fitted: "fitted to right answers", composed: "composed of finalists" }[one.origin] ?? "made of a finalist"}.`),
    finalistPart(report, one),
    el("div", { class: "choices steps" }, el("button", { type: "button", "data-step": "close", click: () => dialog.close() }, "Close")));
  dialog.querySelector("button").focus();
}

/** An empty dialog on the screen; it leaves the page when it is closed, and a click beside it closes it. */
function shownDialog(title) {
  const dialog = el("dialog", { class: "individual", "aria-labelledby": title, close: () => dialog.remove(), click: (event) => event.target === dialog && dialog.close() });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function individualButtons(report, dialog, walk, place, move) {
  const at = walk.indexOf(place);
  const step = (name, words_, by, off) => el("button", { type: "button", "data-step": name, disabled: off, click: () => move(by) }, words_);
  return el("div", { class: "choices steps" },
    step("previous", "← Previous", -1, at <= 0), step("next", "Next →", 1, at >= walk.length - 1),
    el("span", {}, `${words.count(at + 1)} of ${words.count(walk.length)}`),
    el("button", { type: "button", click: () => { dialog.close(); showLineage(report, place); } }, "Show its lineage"),
    el("button", { type: "button", "data-step": "close", click: () => dialog.close() }, "Close"));
}

/** Everything that is known of an individual, part by part; `open` shows another one in its place. */
function individualParts(report, known, place, open) {
  const { columns } = known;
  const finalist = known.finalists.get(columns.key[place]);
  return [
    el("h2", { id: "individual-title" }, columns.id[place], " ", individualBadges(report, known, place)),
    el("p", {}, whoWords(columns, place), "."),
    factList([...originFacts(known, place, open), ...scoreFacts(known, place), ...costFacts(known, place)]),
    finalist ? finalistPart(report, finalist) : null,
    el("h3", {}, "Genes"), genesPart(columns, place),
    changesPart(columns, place),
  ].filter((part) => part !== null);
}

function individualBadges(report, known, place) {
  const key = known.columns.key[place];
  const finalists = report.sections.finalists;
  const said = [finalists?.champion === key ? "champion" : null, known.finalists.has(key) ? "tested again on the selection items" : null];
  return said.filter(Boolean).map((text) => el("span", { class: "badge" }, text));
}

/** Pairs of a name and what it is, as a list; pairs without a value are left out. */
function factList(facts) {
  return el("dl", { class: "facts" }, facts.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function originFacts({ columns, places }, place, open) {
  const link = (other) => el("button", { type: "button", class: "link", click: () => open(other) }, columns.id[other]);
  const between = (links) => links.flatMap((one, number) => (number ? [", ", one] : [one]));
  const from = columns.migrated_from[place];
  const parents = columns.parents[place].filter((parent) => parent >= 0 && parent !== from);
  const same = places.get(columns.key[place]).filter((other) => other !== place);
  return [
    ["Came to be", from >= 0 ? ["migrated from island ", String(columns.island[from]), ", as a copy of ", link(from)] : operatorWords(columns.operators[columns.operator[place]])],
    ["Parents", parents.length ? between(parents.map(link)) : null],
    ["Generation", `${columns.generation[place]}, on island ${columns.island[place]}`],
    ["The same policy", same.length ? [`${words.count(same.length)} more ${same.length === 1 ? "time" : "times"}: `, between(same.slice(0, 8).map(link)), same.length > 8 ? ", …" : ""] : null],
  ];
}

function scoreFacts({ columns, score, rank, distinct }, place) {
  const items = columns.items[place];
  const tasks = Object.keys(columns.by_task);
  const told = rank.get(columns.key[place]);
  const others = Object.entries(columns.objectives).filter(([name]) => name !== "accuracy");
  return [
    ["Accuracy", `${words.percent(columns.accuracy[place])} ${items === null ? "on the search items" : `on the ${words.count(items)} search items that its race asked`}`],
    ["Estimated on all", items !== null && score[place] !== columns.accuracy[place] ? words.percent(score[place]) : null],
    ["By task", tasks.length > 1 ? tasks.map((task) => `${task} ${words.percent(columns.by_task[task][place], 0)}`).join(" · ") : null],
    ["Rank", told ? `${words.count(told)} of ${words.count(distinct.length)} distinct policies, by accuracy on the search items` : null],
    ...others.map(([name, values]) => [`Objective: ${name.replaceAll("_", " ")}`, values[place] === null ? null : name.startsWith("accuracy") ? words.percent(values[place]) : words.quantity(values[place])]),
    ["Failed", columns.failures[place] ?? null],
  ];
}

function costFacts({ columns }, place) {
  const quantity = (name) => words.quantity(columns[name][place]);
  return [
    ["Cost of an item", columns.flops[place] === null ? null : `${quantity("flops")} FLOPs, ${quantity("passes")} passes, ${quantity("weight_reads")}B of weights read, ${quantity("tokens")} tokens`],
    ["Open", columns.open_share[place] === null || columns.kind === "vote" || columns.who[place].length < 2 ? null : `a follower spoke at ${words.percent(columns.open_share[place])} of steps`],
  ];
}

/** Of who was tested again: what the selection items said, and how to use it. */
function finalistPart(report, one) {
  const estimate = one.estimate;
  const command = one.recipe ? `evoswarm generate ${report.name}/${one.recipe} "QUESTION"` : null;
  return el("div", {},
    el("h3", {}, `On the selection items: ${one.name}`),
    factList([
      ["Accuracy", `${words.percent(one.accuracy)} of ${words.count(one.items)} items`],
      ["Expected on others", estimate ? `${words.interval({ mean: estimate.accuracy, low: estimate.low, high: estimate.high })}, 95% interval` : null],
      ["Recipe", one.recipe ? el("code", {}, one.recipe) : null],
    ]),
    one.words.map((line) => el("p", {}, line)),
    command ? el("pre", {}, command) : null);
}

/** The genes: a row a member, then what all members share; what sleeps is grey and says so. */
function genesPart(columns, place) {
  const names = Object.keys(columns.genes);
  const asleep = new Set(columns.asleep[place]);
  const cell = (number) => {
    const value = geneValue(columns.loci[number], columns.genes[names[number]][place]);
    return asleep.has(number) ? el("span", { class: "asleep" }, value, " (dormant)") : value;
  };
  const all = names.map((_, number) => number);
  const parts = [...new Set(all.map((number) => columns.loci[number].part))];
  const shared = (part) => all.filter((number) => columns.loci[number].part === part && columns.loci[number].member === null);
  return el("div", {},
    parts.map((part) => [
      part === null || parts.length < 2 ? null : el("h4", {}, `Mix ${part + 1}`),
      memberGenes(columns, all.filter((number) => columns.loci[number].part === part && columns.loci[number].member !== null), cell),
      factList(shared(part).map((number) => [columns.loci[number].kind === null ? geneWords(columns.loci[number].gene) : `${columns.kinds[columns.loci[number].kind]} is answered by`, cell(number)])),
    ]),
    Object.keys(columns.fixed).length ? el("p", { class: "faint" }, `The same for all in this space: ${Object.entries(columns.fixed).map(([gene, value]) => `${geneWords(gene)} ${geneValue({ gene }, value)}`).join(", ")}.`) : null);
}

function memberGenes(columns, loci, cell) {
  const kinds = [...new Set(loci.map((number) => columns.loci[number].gene))];
  if (!kinds.length) return null;
  const rows = columns.members.map((_, member) => [memberBadge(columns, member),
    ...kinds.map((gene) => {
      const number = loci.find((one) => columns.loci[one].member === member && columns.loci[one].gene === gene);
      return number === undefined ? "" : cell(number);
    })]);
  return table(["member", ...kinds.map(geneWords)], rows);
}

/** What differs from each parent; of a migrant, nothing can. */
function changesPart(columns, place) {
  const parents = columns.parents[place].filter((parent) => parent >= 0);
  if (!parents.length || columns.migrated_from[place] >= 0) return null;
  return el("div", {}, el("h3", {}, "What changed against its parents"),
    parents.map((parent) => {
      const changed = changedGenes(columns, parent, place);
      return [el("p", {}, `${changed.length ? "Against" : "Nothing against"} ${columns.id[parent]}${changed.length ? ":" : "."}`),
        changed.length ? table(["gene", "there", "here"], changed.map((one) => [locusWords(columns, one.locus), ...one.values.map((value, number) => (one.asleep[number] ? el("span", { class: "asleep" }, geneValue(one.locus, value), " (dormant)") : geneValue(one.locus, value)))])) : null];
    }));
}

/**
 * The genes in which two individuals differ, where they matter to one of them.
 * @returns {Array<{locus: Object, values: Array, asleep: boolean[]}>}
 */
function changedGenes(columns, before, after) {
  const asleep = [before, after].map((place) => new Set(columns.asleep[place]));
  return Object.values(columns.genes).flatMap((values, number) => {
    const differs = values[before] !== values[after] && !(asleep[0].has(number) && asleep[1].has(number));
    return differs ? [{ locus: columns.loci[number], values: [values[before], values[after]], asleep: asleep.map((one) => one.has(number)) }] : [];
  });
}

/** Opens the individual that the address names (`#individual=g06-i1-07`), now and whenever it changes. */
function followIndividuals(report) {
  followAddress("individual", (id) => {
    const place = populationOf(report)?.columns.id.indexOf(id) ?? -1;
    if (place >= 0) openIndividual(report, place);
  });
}
