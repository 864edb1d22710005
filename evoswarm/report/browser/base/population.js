/**
 * What several sections ask of the individuals, worked out once a report.
 * @typedef {Object} Population
 * @property {Object} columns as `sections/individuals.py` writes them
 * @property {number} count of individuals and migrants
 * @property {Array<?number>} score accuracy on the search items; of races, what was estimated of it on all items
 * @property {Map<string, number[]>} places of the individuals of each distinct policy, by key
 * @property {number[]} distinct one place a policy: the individual that was scored on the most items, of equals the first
 * @property {Map<string, number>} rank of a policy among the distinct ones, from 1; equals share one
 * @property {Map<string, Object>} finalists by key
 */
const populations = new WeakMap();

/** @returns {?Population} null where nobody was evaluated */
function populationOf(report) {
  const columns = report.sections.individuals;
  if (!columns) return null;
  if (!populations.has(report)) populations.set(report, population(columns, report.sections.finalists));
  return populations.get(report);
}

function population(columns, finalists) {
  const count = columns.id.length;
  const score = columns.objectives.accuracy ?? columns.accuracy;
  const places = new Map();
  for (let place = 0; place < count; place += 1) {
    const key = columns.key[place];
    if (places.has(key)) places.get(key).push(place);
    else places.set(key, [place]);
  }
  const seen = (place) => columns.items[place] ?? Infinity;
  const distinct = [...places.values()].map((same) => same.reduce((best, place) => (seen(place) > seen(best) ? place : best)));
  return { columns, count, score, places, distinct, rank: ranksOf(columns, score, distinct, seen), finalists: new Map((finalists?.contenders ?? []).map((one) => [one.key, one])) };
}

/** Ranks by score, of those who were scored on all items. */
function ranksOf(columns, score, distinct, seen) {
  const most = distinct.reduce((best, place) => Math.max(best, seen(place)), 0);
  const able = distinct.filter((place) => score[place] !== null && seen(place) === most).sort((a, b) => score[b] - score[a]);
  const ranks = new Map();
  able.forEach((place, number) => {
    const before = number ? able[number - 1] : null;
    ranks.set(columns.key[place], before !== null && score[before] === score[place] ? ranks.get(columns.key[before]) : number + 1);
  });
  return ranks;
}

const OPERATORS = {
  crossover: "crossing of two parents", mutation: "mutation of one parent", "crossover+mutation": "crossing of two parents, then mutation",
  random: "drawn at random", migration: "migrated", "reseed:mutation": "mutation, when its island was started anew", "reseed:random": "drawn at random, when its island was started anew",
  uniform: "founder: all members alike", sampled: "founder: all members alike, with several answers each",
};
const FOUNDERS = { single: (name) => `founder: ${name} alone`, gated: (name) => `founder: led by ${name}, the others speak where it is unsure`, fitted: (name) => `founder: ${name}, fitted to right answers`, warm_start: (name) => `founder: warm start ${name}` };

/** How an individual came to be, in words; an operator that has none is named as the file names it. */
function operatorWords(operator) {
  if (OPERATORS[operator]) return OPERATORS[operator];
  if (operator.endsWith("+refine")) return `${operatorWords(operator.slice(0, -7))}, then refined on right answers`;
  const at = operator.indexOf(":");
  const founder = at < 0 ? null : FOUNDERS[operator.slice(0, at)];
  return founder ? founder(operator.slice(at + 1)) : operator;
}

/** Who takes part in a policy, the lead first: "llama-b leads qwen3-d, neox-e". */
function whoWords(columns, place) {
  const lead = columns.lead[place];
  const names = columns.who[place].filter((member) => member !== lead).map((member) => columns.members[member]);
  if (lead === null) return names.join(", ");
  return names.length ? `${columns.members[lead]} leads ${names.join(", ")}` : `${columns.members[lead]} alone`;
}

const GENES = {
  member: "takes part", weight: "weight", temperature: "temperature", open_share: "open share", lead: "lead", rule: "fusion rule", samples: "samples",
  sampling_temperature: "sampling temperature", alphabet: "alphabet", voting: "votes", weights: "weight", temperatures: "temperature", alphabets: "alphabet", kind: "answered by",
};

/** What a gene is called, without its member. */
const geneWords = (gene) => GENES[gene] ?? gene;

/** The value of a gene in words. */
function geneValue(locus, value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (locus.gene === "open_share") return value === 0 ? "never" : value === 1 ? "always" : words.percent(value);
  if (locus.gene === "kind") return `mix ${value + 1}`;
  return words.number(value, 3);
}

/** A gene with everything that it is about: "weight of qwen3-d (mix 2)". */
function locusWords(columns, locus) {
  if (locus.kind !== null) return `${columns.kinds[locus.kind]}: ${geneWords(locus.gene)}`;
  const of = locus.member === null ? "" : ` of ${columns.members[locus.member]}`;
  return `${geneWords(locus.gene)}${of}${locus.part === null ? "" : ` (mix ${locus.part + 1})`}`;
}

/** A member with its letter, in its colour; of none of the pool, its name alone. */
function memberMark(name, number) {
  if (number === null) return el("span", { class: "member" }, name);
  return el("span", { class: `member by-${number % 8}` }, el("span", { class: "letter", "aria-hidden": "true" }, colours.letter(number)), " ", name);
}

/** A member of the pool likewise. */
const memberBadge = (columns, member) => memberMark(columns.members[member], member);
