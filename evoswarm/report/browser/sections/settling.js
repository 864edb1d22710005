const MOST_SPANS = 60; // points of a picture; more generations share them

/**
 * The genes of everybody who was evaluated, as evolution went on. A route is seen by the kind of items: the genes are
 * those of the mix that answers it.
 * @typedef {Object} Settling
 * @property {Array<{name: string, places: number[]}>} spans of generations, with those who were evaluated in them
 * @property {function(number, string, ?number): ?{value: *, awake: boolean}} gene of an individual, by its name and member
 * @property {string[]} named the genes there are
 * @property {?number} champion its place, where it was evolved
 */
function settlingOf(report, kind) {
  const { columns, places } = populationOf(report);
  const numbers = new Map(columns.loci.map((locus, number) => [`${locus.part}|${locus.gene}|${locus.member}`, number]));
  const asleep = columns.asleep.map((some) => new Set(some));
  const values = Object.values(columns.genes);
  const answers = columns.loci.findIndex((locus) => locus.kind === kind);
  const routed = columns.loci.some((locus) => locus.part !== null);
  function gene(place, name, member = null) {
    const part = !routed ? null : answers < 0 ? 0 : values[answers][place];
    const number = numbers.get(`${part}|${name}|${member}`);
    return number === undefined ? null : { value: values[number][place], awake: !asleep[place].has(number) };
  }
  const found = report.sections.finalists;
  const champion = found ? places.get(found.champion)?.[0] ?? null : null;
  return { spans: spansOf(columns), gene, named: [...new Set(columns.loci.map((locus) => locus.gene))], champion };
}

/** Generations, or several together where there are many; migrants were evaluated elsewhere and are left out. */
function spansOf(columns) {
  const last = columns.generation.reduce((a, b) => Math.max(a, b), 0);
  const width = Math.ceil((last + 1) / MOST_SPANS);
  const found = Array.from({ length: Math.ceil((last + 1) / width) }, (_, number) => {
    const [low, high] = [number * width, Math.min(last, (number + 1) * width - 1)];
    return { name: low === high ? String(low) : `${low}–${high}`, places: [] };
  });
  columns.generation.forEach((generation, place) => columns.migrated_from[place] < 0 && found[Math.floor(generation / width)].places.push(place));
  return found;
}

/** The share of each value among those of a span in whose policy the gene matters. */
function sharesOf({ spans, gene }, name, member, values) {
  return spans.map(({ places }) => {
    const told = places.map((place) => gene(place, name, member)).filter((one) => one?.awake);
    return values.map((value) => (told.length ? told.filter((one) => one.value === value).length / told.length : null));
  });
}

/** Median and quartiles of a number among those in whose policy it matters; null where there is nobody. */
function quartilesOf({ spans }, numberOf) {
  return spans.map(({ places }) => {
    const told = places.map(numberOf).filter((value) => value !== null).sort((a, b) => a - b);
    return told.length ? { count: told.length, low: quantile(told, 0.25), middle: quantile(told, 0.5), high: quantile(told, 0.75) } : null;
  });
}

/** Between neighbours, as Python's inclusive method has it. */
function quantile(sorted, share) {
  const at = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below === above ? below : below + (above - below) * (at - Math.floor(at));
}

/**
 * A number of a member, or one that all share, where it matters. Weights are shares of the weights that matter: what a
 * policy does depends on these.
 * @returns {function(number): ?number}
 */
function numberOf(settling, columns, name, member) {
  const awake = (place, of) => { const one = settling.gene(place, name, of); return one?.awake ? infinite(one.value) : null; };
  if (name !== "weight" && name !== "weights") return (place) => awake(place, member);
  return (place) => {
    const own = awake(place, member);
    const all = columns.members.reduce((sum, _, other) => sum + (awake(place, other) ?? 0), 0);
    return own === null ? null : own / all;
  };
}

const infinite = (value) => (value === "max" ? Infinity : value === "min" ? -Infinity : typeof value === "number" ? value : null);
