/** Numbers that each member has, and numbers that all share, in the order in which they are offered. */
const OF_MEMBERS = ["open_share", "weight", "temperature", "weights", "temperatures"];
const SHARED_KINDS = ["lead", "rule", "samples", "alphabet"];

/** What evolution settled on: who takes part, who leads, by which rule, and where the numbers came to rest. */
function drawSettled(place, report) {
  const { columns } = populationOf(report);
  const routed = columns.kinds.length > 1 && columns.loci.some((locus) => locus.kind !== null);
  const pictures = el("div", {});
  const draw = (kind) => pictures.replaceChildren(...settledPictures(report, columns, settlingOf(report, kind)));
  const spans = spansOf(columns);
  place.append(
    el("p", {}, "What the policies tried in each generation were like: what fills the right edge is what evolution settled on. A gene counts only where it matters: the weight of a member that does not take part is left out."),
    el("p", { class: "faint" }, `Of all who were evaluated in a generation, on all islands, without migrants.${spans[0].name.includes("–") ? ` Each mark holds several generations (the first: ${spans[0].name}).` : ""}`),
    ...(routed ? [picked("Items", Object.fromEntries(columns.kinds.map((kind, number) => [String(number), kind])), "0", (kind) => draw(Number(kind)))] : []),
    pictures);
  draw(0);
}

function settledPictures(report, columns, settling) {
  return [
    el("p", { class: "faint" }, championWords(report, columns, settling)),
    columns.members.length > 1 ? membership(columns, settling) : null,
    kindPictures(columns, settling),
    numberPictures(columns, settling),
    fixedWords(columns),
  ].filter(Boolean);
}

function championWords(report, columns, settling) {
  if (!report.sections.finalists) return "There is no champion yet.";
  if (settling.champion === null) return "The champion is no individual of the search (it was fitted, composed, or lost a member afterwards), so its values are not marked.";
  return `The diamond at the right edge is the champion's value (${columns.id[settling.champion]}).`;
}

function fixedWords(columns) {
  const fixed = Object.entries(columns.fixed);
  return fixed.length ? el("p", { class: "faint" }, `The space leaves no choice of: ${fixed.map(([gene, value]) => `${geneWords(gene)} (${geneValue({ gene }, value)})`).join(", ")}.`) : null;
}

/** Who takes part: a line a member, with its letter at its end. */
function membership(columns, settling) {
  const shares = columns.members.map((_, member) => settling.spans.map(({ places }) => (places.length ? places.filter((place) => columns.who[place].includes(member)).length / places.length : null)));
  const last = (values) => words.percent(values.findLast((value) => value !== null), 0);
  return el("div", {}, el("h3", {}, "Who takes part"),
    el("div", { class: "choices" }, columns.members.map((_, member) => el("span", { class: "key" }, memberBadge(columns, member), ` ${last(shares[member])} at the end`))),
    chart(() => membershipOption(columns, settling, shares), `Share of policies with each member: ${columns.members.map((name, member) => `${name} ${last(shares[member])} at the end`).join(", ")}`, { height: 260 }));
}

function membershipOption(columns, settling, shares) {
  const few = settling.spans.length < 4;
  return {
    grid: { left: 60, right: 34, top: 12, bottom: 44 },
    tooltip: tip((pointed) => [el("b", {}, `generation ${settling.spans[pointed[0].dataIndex].name}`), ...[...pointed].sort((a, b) => b.value - a.value).map((one) => `${colours.letter(one.seriesIndex)} ${columns.members[one.seriesIndex]}: ${words.percent(one.value, 0)}`)], { trigger: "axis" }),
    xAxis: spanAxis(settling, few), yAxis: shareAxis("share of policies"),
    series: shares.map((values, member) => ({
      type: "line", data: values, showSymbol: few, symbolSize: 7, connectNulls: true, lineStyle: { color: colours.member(member), width: 2, type: ["solid", "dashed", "dotted"][member % 3] }, itemStyle: { color: colours.member(member) },
      endLabel: { show: true, formatter: () => colours.letter(member), color: colours.member(member), fontWeight: "bold" }, labelLayout: { moveOverlap: "shiftY" },
    })),
  };
}

const spanAxis = (settling, gap = true) => axis({ type: "category", name: "generation", nameGap: 26, boundaryGap: gap, data: settling.spans.map((span) => span.name), splitLine: { show: false } });

function shareAxis(name) {
  const shown = axis({ type: "value", min: 0, max: 1, interval: 0.25, name, nameGap: 44 });
  return { ...shown, axisLabel: { ...shown.axisLabel, formatter: (value) => words.percent(value, 0) } };
}

/** What is one of several: who leads, by which rule, how many samples; of votes, each member's samples. */
function kindPictures(columns, settling) {
  const shared = SHARED_KINDS.filter((gene) => settling.named.includes(gene) && settling.spans.some(({ places }) => places.some((place) => settling.gene(place, gene))));
  const own = ["samples", "alphabets"].filter((gene) => columns.loci.some((locus) => locus.gene === gene && locus.member !== null));
  const pictures = [
    ...shared.map((gene) => kindPicture(columns, settling, gene, null)),
    ...own.flatMap((gene) => columns.members.map((_, member) => kindPicture(columns, settling, gene, member))),
  ].filter(Boolean);
  return pictures.length ? el("div", {}, el("h3", {}, "Which of several"), el("div", { class: "multiples broad" }, pictures)) : null;
}

/** Patterns, so that colours never tell alone; the first has none. */
const PATTERNS = [null, [0, 8, -Math.PI / 4], [0, 8, 0], [0, 8, Math.PI / 4], [0, 8, Math.PI / 2], [0, 4, -Math.PI / 4], [0, 4, Math.PI / 4]];

function pattern(number) {
  const known = PATTERNS[number];
  return known && { symbol: "rect", color: `${colours.of("paper")}66`, dashArrayX: [1, 0], dashArrayY: [1.5, known[1]], rotation: known[2] };
}

function kindPicture(columns, settling, gene, member) {
  const counts = new Map();
  settling.spans.forEach(({ places }) => places.forEach((place) => {
    const one = settling.gene(place, gene, member);
    if (one?.awake) counts.set(one.value, (counts.get(one.value) ?? 0) + 1);
  }));
  if (!counts.size) return null;
  const values = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a)).slice(0, 7);
  const shares = sharesOf(settling, gene, member, values);
  const champion = settling.champion === null ? null : settling.gene(settling.champion, gene, member);
  const title = `${geneWords(gene)}${member === null ? "" : ` of ${columns.members[member]}`}`;
  const said = champion?.awake ? `, the champion's: ${champion.value}` : "";
  const ends = values.map((value, number) => [value, shares.findLast((one) => one[number] !== null)?.[number] ?? 0]);
  const order = ends.filter(([, share]) => share > 0).map(([value, share]) => `${value} ${words.percent(share, 0)}`).join(", ");
  return el("figure", {}, el("figcaption", {}, `${title}${said} `, el("span", { class: "faint" }, `at the end, from below: ${order}`)),
    chart(() => kindOption(columns, settling, gene, values, shares), `${title}: ${ends.map(([value, share]) => `${value} ${words.percent(share, 0)} at the end`).join(", ")}`, { height: 220 }));
}

/** Stacked, each with a pattern of its own and its name where it is widest. */
function kindOption(columns, settling, gene, values, shares) {
  const colour = (number) => colours.member(gene === "lead" ? columns.members.indexOf(values[number]) : number);
  return {
    grid: { left: 52, right: 16, top: 8, bottom: 44 },
    tooltip: tip((pointed) => [el("b", {}, `generation ${settling.spans[pointed[0].dataIndex].name}`), ...pointed.filter((one) => one.seriesType !== "scatter" && one.value > 0).map((one) => `${values[one.seriesIndex]}: ${words.percent(one.value, 0)}`)], { trigger: "axis" }),
    xAxis: spanAxis(settling, shares.length < 4), yAxis: shareAxis("share"),
    series: [...values.map((_, number) => stackedSeries(shares.map((one) => one[number]), colour(number), pattern(number))), nameSeries(values, shares)],
  };
}

/** Areas; few generations are bars, as areas need neighbours. */
function stackedSeries(data, colour, decal) {
  const same = { stack: "all", data, itemStyle: { color: colour, decal } };
  if (data.length < 4) return { ...same, type: "bar", barCategoryGap: "20%" };
  return { ...same, type: "line", symbol: "none", lineStyle: { width: 1, color: colours.of("paper") }, areaStyle: { opacity: 1, color: colour } };
}

/** The name of each value where it is widest. */
function nameSeries(values, shares) {
  const named = values.map((value, number) => {
    const at = shares.reduce((best, one, place) => ((one[number] ?? 0) > (shares[best][number] ?? 0) ? place : best), 0);
    const share = shares[at][number] ?? 0;
    return { at, share, middle: shares[at].slice(0, number).reduce((sum, one) => sum + one, 0) + share / 2, name: String(value).slice(0, 24) };
  }).filter((one) => one.share > 0.1);
  const side = (at) => (shares.length < 4 ? "inside" : at < shares.length * 0.3 ? "right" : at > shares.length * 0.7 ? "left" : "inside");
  const label = (one) => ({ show: true, formatter: () => one.name, position: side(one.at), color: colours.of("ink"), backgroundColor: colours.of("paper"), padding: [1, 4], borderRadius: 3 });
  return { type: "scatter", silent: true, symbolSize: 1, itemStyle: { color: "transparent" }, z: 5, tooltip: { show: false }, labelLayout: { hideOverlap: true }, data: named.map((one) => ({ value: [one.at, one.middle], label: label(one) })) };
}
