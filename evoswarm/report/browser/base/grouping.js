/** Shapes of groups, so that colours never tell alone. */
const GROUP_SHAPES = ["circle", "triangle", "rect", "diamond", "arrow", "pin", "cross"];

const MOST_GROUPS = 7;

/** By what policies can be told apart in a picture: a name, the key of an individual (null is none), and its words. */
const GROUPINGS = {
  members: { name: "members", ordered: true, key: (columns) => (place) => columns.who[place].length, words: (columns, key) => words.several(key, "member") },
  lead: { name: "lead", key: (columns) => (place) => columns.lead[place], words: (columns, key) => `led by ${columns.members[key]}` },
  rule: { name: "fusion rule", key: ruleKey, words: (columns, key) => key },
  island: { name: "island", key: (columns) => (place) => columns.island[place], words: (columns, key) => `island ${key}` },
  generation: { name: "generation", ordered: true, key: spanKey, words: (columns, key) => spanWords(columns, key) },
};

function ruleKey(columns) {
  const rules = columns.genes.rule;
  const number = Object.keys(columns.genes).indexOf("rule");
  return (place) => (rules ? (columns.asleep[place].includes(number) ? "no rule: one member speaks" : rules[place]) : null);
}

/** Generations in six spans at most. */
function spans(columns) {
  const last = columns.generation[columns.generation.length - 1];
  return Math.max(1, Math.ceil((last + 1) / 6));
}

function spanKey(columns) {
  const span = spans(columns);
  return (place) => Math.floor(columns.generation[place] / span);
}

function spanWords(columns, key) {
  const span = spans(columns);
  const last = Math.min((key + 1) * span - 1, columns.generation[columns.generation.length - 1]);
  return key * span >= last ? `generation ${last}` : `generations ${key * span} to ${last}`;
}

/** The ways to tell policies apart of which a run has more than one kind. */
function groupingsOf(known) {
  const several = Object.entries(GROUPINGS).filter(([name]) => policyGroups(known, name).length > 1);
  return Object.fromEntries(several.map(([name, one]) => [name, one.name]));
}

const knownGroups = new WeakMap(); // by population

/**
 * The groups of a grouping with how they are drawn; what is beyond the commonest is one group, "others".
 * @returns {Array<{key: string, words: string, colour: function(): string, symbol: string, count: number}>}
 */
function policyGroups(known, name) {
  if (!knownGroups.has(known)) knownGroups.set(known, {});
  return (knownGroups.get(known)[name] ??= foundGroups(known, name));
}

function foundGroups(known, name) {
  const { columns, distinct } = known;
  const one = GROUPINGS[name];
  const key = one.key(columns);
  const counts = new Map();
  distinct.forEach((place) => counts.set(key(place), (counts.get(key(place)) ?? 0) + 1));
  counts.delete(null);
  const common = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a)).slice(0, counts.size > MOST_GROUPS ? MOST_GROUPS - 1 : MOST_GROUPS);
  const kept = common.sort((a, b) => (typeof a === "number" ? a - b : String(a).localeCompare(String(b))));
  const groups = kept.map((group, number) => ({
    key: String(group), words: one.words(columns, group), symbol: GROUP_SHAPES[number], count: counts.get(group),
    colour: () => (one.ordered ? colours.scale(kept.length > 1 ? number / (kept.length - 1) : 1) : colours.member(name === "lead" ? group : number)),
  }));
  const others = [...counts].filter(([group]) => !kept.includes(group)).reduce((sum, [, count]) => sum + count, 0);
  return others ? [...groups, { key: "others", words: "others", symbol: GROUP_SHAPES[MOST_GROUPS - 1], count: others, colour: () => colours.of("faint") }] : groups;
}

/** Into which group an individual falls. */
function grouping(known, name) {
  const key = GROUPINGS[name].key(known.columns);
  const kept = new Set(policyGroups(known, name).map((group) => group.key));
  return (place) => (kept.has(String(key(place))) ? String(key(place)) : "others");
}

/** Their outlines, in a square of 12. */
const OUTLINES = {
  circle: "M6 1a5 5 0 1 0 .01 0z", triangle: "M6 1L11 11H1z", rect: "M1 1H11V11H1z", diamond: "M6 0L11 6L6 12L1 6z",
  arrow: "M6 1L11 11L6 8L1 11z", pin: "M6 12L2 6A4.5 4.5 0 1 1 10 6z", cross: "M4 1H8V4H11V8H8V11H4V8H1V4H4z",
};

/** A group's shape in its colour, for legends. */
function glyph(symbol, colour) {
  return el("svg", { width: "12", height: "12", viewBox: "0 0 12 12", "aria-hidden": "true" }, el("path", { xmlns: true, d: OUTLINES[symbol], fill: colour }));
}
