/** Genes that say whether a member takes part at all. */
const TAKING_PART = ["member", "voting"];

/** The block of genes that a crossing hands on as one: a member's, or those of one mix of a route; empty where there is none. */
function blockOf(people, { member, part }) {
  return [part === null ? null : `mix ${part + 1}`, member === null ? null : people.members[member]].filter((name) => name !== null).join(", ");
}

/**
 * The genes that matter to somebody, each with its value here and in others.
 * @returns {{locus: Object, block: string, word: string, value: *, others: Array}[]}
 */
function genesOf(people, place, others) {
  const asleep = [place, ...others].map((one) => new Set(people.asleep[one]));
  return Object.values(people.genes).flatMap((values, number) => {
    const locus = people.loci[number];
    const takesPart = TAKING_PART.includes(locus.gene) && asleep.some((set) => !set.has(number));
    if (asleep[0].has(number) && !takesPart) return [];
    const word = locus.kind === null ? geneWords(locus.gene) : people.kinds[locus.kind];
    return [{ locus, block: locus.kind === null ? blockOf(people, locus) : "", word, value: values[place], others: others.map((one) => values[one]) }];
  });
}

/**
 * What changed from one parent to a child, block by block, in words: "qwen3-d: weight 0.21 → 0.37". What is
 * alike to as many digits as are shown has not.
 * @param {number} other the other parent, or NO_ONE; what is as it has it is said to be.
 * @returns {string[]}
 */
function changesOf(people, place, parent, other) {
  const known = other === NO_ONE ? [parent] : [parent, other];
  const changed = genesOf(people, place, known).filter((gene) => geneValue(gene.locus, gene.value) !== geneValue(gene.locus, gene.others[0]));
  const blocks = new Map();
  changed.forEach((gene) => blocks.set(gene.block || gene.word, [...(blocks.get(gene.block || gene.word) ?? []), gene]));
  return [...blocks.values()].map((genes) => {
    const taken = other !== NO_ONE && genes.every((gene) => gene.value === gene.others[1]);
    return blockWords(genes) + (taken ? ` (as in ${people.id[other]})` : "");
  });
}

function blockWords(genes) {
  const { block } = genes[0];
  const part = genes.find((gene) => TAKING_PART.includes(gene.locus.gene));
  const rest = genes.filter((gene) => gene !== part);
  if (part && !part.value) return `without ${block}`;
  const value = (gene) => `${gene.word} ${geneValue(gene.locus, gene.value)}`;
  const change = (gene) => `${gene.word} ${geneValue(gene.locus, gene.others[0])} → ${geneValue(gene.locus, gene.value)}`;
  const said = rest.map(part ? value : change).join(", ");
  if (part) return said ? `with ${block}: ${said}` : `with ${block}`;
  return block ? `${block}: ${said}` : said;
}

/**
 * Where the genes of a crossing came from, as far as values tell: each block once.
 * @returns {{first: string[], second: string[], both: string[], neither: string[]}} names of blocks, or of genes in `neither`.
 */
function inherited(people, place, first, second) {
  const blocks = new Map();
  const found = { first: [], second: [], both: [], neither: [] };
  for (const gene of genesOf(people, place, [first, second])) {
    const name = gene.block || gene.word;
    const [mine, yours] = gene.others.map((value) => value === gene.value);
    if (!mine && !yours) found.neither.push(gene.block ? `${gene.word} of ${gene.block}` : gene.word);
    else if (mine !== yours) blocks.set(name, [...(blocks.get(name) ?? []), mine ? "first" : "second"]);
    else if (!blocks.has(name)) blocks.set(name, []);
  }
  for (const [name, told] of blocks) {
    const from = new Set(told);
    if (from.size === 2) found.neither.push(`${name} (of both)`);
    else found[from.size ? told[0] : "both"].push(name);
  }
  return found;
}

/** How somebody came to be, in words; `names` gives elements or texts for places. */
function originWords(people, kin, place, names) {
  const operator = operatorOf(people, place);
  const [first, second] = kin.parents[place].map(names);
  const then = `${operator.startsWith("crossover+mutation") ? ", then mutation" : ""}${operator.endsWith("+refine") ? ", then refined" : ""}`;
  const both = second === undefined ? [first] : [first, " and ", second];
  switch (first === undefined ? "founder" : kindOf(people, kin, place)) {
    case "migration": return ["migration of ", first, ` from island ${people.island[kin.parents[place][0]]}`];
    case "reseed": return ["mutation of ", first, ", when the island was started anew"];
    case "crossing": return ["crossing of ", ...both, then];
    case "mutation": return ["mutation of ", first, then];
    case "founder": return [operatorWords(operator)];
    default: return [`${operator} from `, ...both];
  }
}

/** How accuracies differ from a parent to a child: what they are, and by how many points, a number or null. */
function gainOf(people, place, parent) {
  const [now, before] = [people.score[place], parent === NO_ONE ? null : people.score[parent]];
  if (now === null) return { words: "failed", points: null };
  if (before === null) return { words: `accuracy ${words.percent(now)}`, points: null };
  if (now === before) return { words: `accuracy stays ${words.percent(now)}`, points: null };
  return { words: `accuracy ${words.percent(before)} → ${words.percent(now)}`, points: now - before };
}
