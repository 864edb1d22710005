/** What stands beside the picture: who is selected, and how it came to be, as texts. */

/**
 * @param {Object} run `people`, `kin`, `champion`, `report`
 * @param {{place: number, line: number[], ancestors: Map, descendants: Map}} chosen
 * @param {function(number)} select
 * @returns {Node[]}
 */
function lineagePanel(run, chosen, select) {
  const { people, kin } = run;
  const { place, line } = chosen;
  const named = (one) => el("button", { type: "button", class: "name", click: () => select(one) }, people.id[one]);
  const children = kin.children[place];
  return [
    el("h3", {}, people.id[place], place === run.champion ? " (champion)" : ""),
    el("p", {}, capital(originWords(people, kin, place, named)), "."),
    el("p", {}, measuredWords(people, place), el("br"), el("span", { class: "faint" }, "digest ", el("span", { class: "mono" }, people.key[place]))),
    el("p", {}, ancestryWords(run, chosen)),
    children.length ? el("p", {}, `${children.length === 1 ? "1 child" : `${words.count(children.length)} children`}, ${words.count(chosen.descendants.size - 1)} descendants; the most accurate child: `, named(mostAccurate(people, children)[0]), ".") : null,
    inheritedWords(people, kin, place, named),
    line.length > 1 ? el("h4", {}, "How it came to be") : null,
    line.length > 1 ? el("p", { class: "faint" }, "Its main line: back to the parent whose genes are nearer, step by step. Changes are against that parent, in genes that matter.") : null,
    line.length > 1 ? el("ol", { class: "line" }, line.map((one, step) => lineStep(run, one, line[step - 1] ?? NO_ONE, one === place, named))) : null,
  ];
}

/** What changed at a step of a line, in words; the genes of migrants stay. */
function stepChanges({ people, kin }, place, parent) {
  if (parent === NO_ONE || kindOf(people, kin, place) === "migration") return [];
  const changes = changesOf(people, place, parent, kin.parents[place].find((one) => one !== parent) ?? NO_ONE);
  return changes.length ? changes : ["no gene that matters changed to three digits"];
}

/** One step of a line: who, from whom, what changed, what that gained. */
function lineStep(run, place, parent, last, named) {
  const { people, kin } = run;
  const origin = originWords(people, kin, place, (one) => (one === parent ? people.id[one] : named(one)));
  const gain = gainOf(people, place, parent);
  return el("li", { "aria-current": last ? "true" : null },
    named(place), ": ", origin, stepChanges(run, place, parent).map((change) => `; ${change}`), "; ", gain.words,
    gain.points === null ? null : el("strong", { class: gain.points > 0 ? "good" : "bad" }, ` (${words.points(gain.points)})`));
}

function measuredWords(people, place) {
  if (people.score[place] === null) return "It failed on every item.";
  const asked = people.items[place];
  const items = asked === null ? "" : ` on ${words.count(asked)} items (estimated on all: ${words.percent(people.score[place])})`;
  return `Accuracy ${words.percent(people.accuracy[place])}${items}, ${words.quantity(people.flops[place])} FLOPs an item, island ${people.island[place]}, generation ${people.generation[place]}.`;
}

/** From which parent a crossing has what. */
function inheritedWords(people, kin, place, named) {
  const [first, second] = kin.parents[place];
  if (second === undefined || kindOf(people, kin, place) !== "crossing") return null;
  const from = inherited(people, place, first, second);
  const blended = operatorOf(people, place).includes("mutation") ? "in neither, blended or mutated" : "in neither, blended";
  const row = (head, names) => (names.length ? el("li", {}, head, ": ", names.join(", ")) : null);
  return el("details", {}, el("summary", {}, "Which genes are from which parent"),
    el("ul", {}, row(["as in ", named(first)], from.first), row(["as in ", named(second)], from.second), row("alike in both", from.both), row(blended, from.neither)));
}

/** How many ancestors there are, and of what kinds. */
function ancestryWords({ people, kin }, { place, ancestors }) {
  if (!kin.parents[place].length) return "It has no ancestors.";
  const all = [...ancestors.keys()].filter((one) => one !== place);
  const roots = all.filter((one) => !kin.parents[one].length);
  const kinds = [place, ...all].map((one) => kindOf(people, kin, one));
  const counted = Object.entries({ crossing: "crossing", mutation: "mutation", migration: "migration", reseed: "reseeding", other: "move" })
    .map(([kind, word]) => [kinds.filter((one) => one === kind).length, word]).filter(([number]) => number)
    .map(([number, word]) => `${words.count(number)} ${word}${number === 1 ? "" : "s"}`);
  const operators = new Map();
  roots.forEach((one) => operators.set(operatorOf(people, one), (operators.get(operatorOf(people, one)) ?? 0) + 1));
  const names = [...operators].map(([name, number]) => (number === 1 ? name : `${words.count(number)} × ${name}`));
  const told = names.length > 12 ? [...names.slice(0, 12), `${names.length - 12} more kinds`] : names;
  return `${all.length === 1 ? "1 ancestor" : `${words.count(all.length)} ancestors`}, of them ${words.count(roots.length)} without parents (${told.join(", ")}); ${counted.join(", ")}.`;
}

/** A sentence's parts with a capital at the beginning. */
function capital([first, ...rest]) {
  return [first.charAt(0).toUpperCase() + first.slice(1), ...rest];
}
