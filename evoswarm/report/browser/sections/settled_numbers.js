/** Where numbers came to rest: those of the members side by side, and those that all share. */
function numberPictures(columns, settling) {
  const matters = (gene) => settling.spans.some(({ places }) => places.some((place) => columns.members.some((_, member) => settling.gene(place, gene, member)?.awake)));
  const of = OF_MEMBERS.filter(matters);
  const shared = settling.named.filter((gene) => !SHARED_KINDS.includes(gene) && gene !== "kind" && columns.loci.some((locus) => locus.gene === gene && locus.member === null));
  const multiples = el("div", { class: "multiples" });
  const show = (gene) => multiples.replaceChildren(...numbersSide(columns, settling, gene));
  if (of.length) show(of[0]);
  const together = shared.map((gene) => numberPicture(settling, gene, geneWords(gene), numberOf(settling, columns, gene, null), null)).filter(Boolean);
  return el("div", {},
    of.length ? [el("h3", {}, "Numbers of members"),
      el("p", {}, "The line is the median of the policies in which the number matters, the band their middle half; a gap is a generation without such a policy."),
      choices("Show", Object.fromEntries(of.map((gene) => [gene, numberWords(gene)])), of[0], show), multiples] : null,
    together.length ? [el("h3", {}, "Numbers that all members share"), el("div", { class: "multiples" }, together)] : null);
}

const numberWords = (gene) => ({ weight: "share of the weight", weights: "share of the votes", open_share: "open share" })[gene] ?? geneWords(gene);

/** One gene of every member, on one scale. */
function numbersSide(columns, settling, gene) {
  const numbers = columns.members.map((_, member) => numberOf(settling, columns, gene, member));
  const told = numbers.map((one) => quartilesOf(settling, one));
  const champions = settling.champion === null ? [] : numbers.map((one) => one(settling.champion));
  const scale = numberScale(gene, [told, champions].flat(2));
  return columns.members.map((_, member) => numberPicture(settling, gene, memberBadge(columns, member), numbers[member], member, scale)).filter(Boolean);
}

/** The ends of an axis; what is infinite is drawn at one. */
function numberScale(gene, told) {
  if (/^weights?$|^open_share$/.test(gene)) return { min: 0, max: 1, log: false };
  const finite = told.flatMap((one) => (one === null ? [] : typeof one === "number" ? [one] : [one.low, one.middle, one.high])).filter(Number.isFinite);
  const [low, high] = [finite.reduce((a, b) => Math.min(a, b), Infinity), finite.reduce((a, b) => Math.max(a, b), -Infinity)];
  if (!finite.length) return { min: -1, max: 1, log: false };
  if (/temperature/.test(gene)) return { min: low / 1.1, max: high * 1.1, log: high / low > 3 };
  const pad = (high - low) * 0.1 || Math.abs(high) * 0.1 || 1;
  return { min: low - pad, max: high + pad, log: false };
}

function numberPicture(settling, gene, title, number, member, scale = null) {
  const told = quartilesOf(settling, number);
  const last = told.findLast((one) => one !== null);
  if (!last) return null;
  const champion = settling.champion === null ? null : number(settling.champion);
  const ends = scale ?? numberScale(gene, [...told, champion]);
  const written = (value) => (value === Infinity ? "max" : value === -Infinity ? "min" : geneValue({ gene: gene.replace(/^weights?$/, "open_share") }, value));
  const said = champion === null ? "" : `, the champion's ${written(champion)}`;
  return el("figure", {}, el("figcaption", {}, title, el("span", { class: "faint" }, ` ${written(last.middle)} at the end${said}`)),
    chart(() => numberOption(settling, told, champion, ends, written, member), `${numberWords(gene)}: median ${written(last.middle)} at the end${said}`, { height: 170 }));
}

function numberOption(settling, told, champion, ends, written, member) {
  const colour = member === null ? colours.of("accent") : colours.member(member);
  const drawn = (value) => (value === null ? null : Math.min(ends.max, Math.max(ends.min, value)));
  const line = (part) => told.map((one) => (one ? drawn(one[part]) : null));
  const share = ends.min === 0 && ends.max === 1;
  const shown = axis({ type: ends.log ? "log" : "value", min: ends.min, max: ends.max, ...(share ? { interval: 0.5 } : { splitNumber: 3 }) });
  return {
    grid: { left: 56, right: 18, top: 8, bottom: 42 },
    tooltip: tip((pointed) => numberLines(settling, told[pointed[0].dataIndex], pointed[0].dataIndex, written), { trigger: "axis" }),
    xAxis: spanAxis(settling),
    yAxis: { ...shown, axisLabel: { ...shown.axisLabel, showMinLabel: share, showMaxLabel: share, formatter: (value) => (share ? words.percent(value, 0) : words.number(value, 2)) } },
    series: [
      boxSeries(told, drawn, colour),
      { type: "line", data: line("middle"), showSymbol: told.filter(Boolean).length < 4, symbolSize: 6, lineStyle: { color: colour, width: 2 }, itemStyle: { color: colour } },
      ...(champion === null ? [] : [{ type: "scatter", silent: true, symbol: "diamond", symbolSize: 13, z: 6, clip: false, itemStyle: { color: colours.of("ink"), borderColor: colours.of("paper"), borderWidth: 1.5 }, data: [[told.length - 1, drawn(champion)]] }]),
    ],
  };
}

/** The middle half of every span as a bar, which needs no neighbour to be seen. */
function boxSeries(told, drawn, colour) {
  return {
    type: "custom", silent: true, z: 1, encode: { x: 0, y: [1, 2] },
    data: told.flatMap((one, number) => (one ? [[number, drawn(one.low), drawn(one.high)]] : [])),
    renderItem(_, api) {
      const [x, low] = api.coord([api.value(0), api.value(1)]);
      const high = api.coord([api.value(0), api.value(2)])[1];
      const width = Math.max(2, api.size([1, 0])[0] * 0.9);
      return { type: "rect", shape: { x: x - width / 2, y: high, width, height: Math.max(1, low - high) }, style: { fill: colour, opacity: 0.2 } };
    },
  };
}

function numberLines(settling, one, number, written) {
  const title = el("b", {}, `generation ${settling.spans[number].name}`);
  if (!one) return [title, "it matters in no policy"];
  return [title, `median ${written(one.middle)}`, `middle half ${written(one.low)} to ${written(one.high)}`, `in ${words.count(one.count)} ${one.count === 1 ? "policy" : "policies"}`];
}
