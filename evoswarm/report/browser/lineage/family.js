/**
 * Who descends from whom. `people` are the columns of `individuals` with the `score` of the population (in races what
 * was estimated on all items); a place is a position in them.
 * @typedef {{parents: number[][], children: number[][]}} Kin by place; nobody is among its own.
 */
const NO_ONE = -1;

/** @returns {Kin} */
function kinOf(people) {
  const parents = people.parents.map((row, place) => [...new Set(row)].filter((one) => one !== NO_ONE && one !== place));
  const children = parents.map(() => []);
  parents.forEach((row, place) => row.forEach((parent) => children[parent].push(place)));
  return { parents, children };
}

const operatorOf = (people, place) => people.operators[people.operator[place]];

/** How somebody came to be: `migration`, `reseed`, `founder` (it has no parents), `crossing`, `mutation`, or `other` with parents. */
function kindOf(people, kin, place) {
  const operator = operatorOf(people, place);
  if (operator === "migration") return "migration";
  if (operator.startsWith("reseed:")) return "reseed";
  if (!kin.parents[place].length) return "founder";
  if (operator.startsWith("crossover")) return "crossing";
  return operator.startsWith("mutation") ? "mutation" : "other";
}

/**
 * Everybody within reach of somebody, itself included: ancestors over `kin.parents`, descendants over `kin.children`.
 * @returns {Map<number, number>} place to the least number of steps.
 */
function reach(start, next, most = Infinity) {
  const steps = new Map([[start, 0]]);
  for (const place of steps.keys()) {
    const step = steps.get(place) + 1;
    if (step <= most) next[place].forEach((one) => steps.has(one) || steps.set(one, step));
  }
  return steps;
}

/** The parent whose genes are nearer, counting genes that are awake; of equally near ones the more accurate, then the first. */
function nearerParent(people, kin, place) {
  const [first = NO_ONE, second = NO_ONE] = kin.parents[place];
  if (second === NO_ONE) return first;
  const asleep = new Set(people.asleep[place]);
  let lead = 0;
  Object.values(people.genes).forEach((values, number) => {
    if (!asleep.has(number)) lead += Math.sign(geneDistance(values[place], values[second]) - geneDistance(values[place], values[first]));
  });
  return (lead || (people.score[first] ?? 0) - (people.score[second] ?? 0)) < 0 ? second : first;
}

function geneDistance(one, two) {
  if (one === two) return 0;
  return typeof one === "number" && typeof two === "number" ? Math.abs(one - two) : Infinity;
}

/** The line of nearer parents from somebody without any to this one. */
function mainLine(people, kin, place) {
  const line = [];
  const seen = new Set(); // a file that lies may have circles
  for (let one = place; one !== NO_ONE && !seen.has(one); one = nearerParent(people, kin, one)) {
    seen.add(one);
    line.unshift(one);
  }
  return line;
}

/** Of those who were asked the most items, the places of the highest accuracy, the cheapest first. */
function mostAccurate(people, among) {
  const asked = (place) => people.items[place] ?? Infinity;
  const score = (place) => people.score[place] ?? -1;
  const most = (of, places) => places.reduce((best, place) => Math.max(best, of(place)), -Infinity);
  const longest = most(asked, among);
  const whole = among.filter((place) => asked(place) === longest);
  const highest = most(score, whole);
  return whole.filter((place) => score(place) === highest).sort((one, two) => people.flops[one] - people.flops[two]);
}
