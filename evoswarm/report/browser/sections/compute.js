/** Where compute went: the champion's, then the search's own. */
function drawCompute(place, report) {
  const { read, positions, search } = report.sections.compute;
  const champion = report.sections.champion;
  put(place, el("p", {}, "Which members an answer's compute goes to, to its prompt or to the answer itself, and what the search spent to find it."));
  if (champion) {
    put(place, el("h3", {}, "What an answer of the champion costs"), computeMembers(champion), computeRead(read, champion), computePositions(positions));
  }
  if (search) put(place, el("h3", {}, "What the search took"), computeSearch(search), computeSharing(search.sharing));
}

/**
 * Shares of a whole as one bar a row; every part has its figure in it or in the table's words.
 * @param {string} caption
 * @param {Array<{name: string, total: string, parts: Array<{look: string, style: ?string, letter: ?string, words: string, share: number}>}>} rows
 */
function shareBars(caption, rows) {
  const part = (one) => el("span", { class: `part ${one.look}`, style: `width:${100 * one.share}%`, title: one.words, "aria-hidden": "true" }, one.share > 0.07 ? one.letter : "");
  const list = (row) => row.parts.map((one) => one.words).join(", ");
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
    el("table", { class: "shares" }, el("caption", {}, caption),
      el("tbody", {}, rows.map((row) => el("tr", {}, el("th", { scope: "row" }, row.name), el("td", { class: "shares-cell" }, el("div", { class: "share-bar" }, row.parts.map(part)), el("div", { class: "faint small" }, list(row))), el("td", { class: "number" }, row.total))))));
}

const COSTS = { flops: "FLOPs", passes: "passes", weight_reads: "bytes of weights read" };

/** Of each kind of cost, what each member takes. */
function computeMembers(champion) {
  const able = champion.members.filter((one) => one.compute);
  if (!able.length) return null;
  const rows = Object.entries(COSTS).map(([name, title]) => {
    const total = able.reduce((sum, one) => sum + one.compute[name], 0);
    const parts = able.map((one) => ({ look: `by-${one.number % 8}`, letter: colours.letter(one.number), words: `${colours.letter(one.number)} ${one.name} ${words.percent(one.compute[name] / total, 0)}`, share: one.compute[name] / total }));
    return { name: title, total: name === "passes" ? words.number(total, 3) : words.quantity(total), parts };
  });
  return shareBars(`An answer's compute by member, deployed alone: mean of the ${champion.split} items`, rows);
}

/** Prompts and answers: what each member reads of them. */
function computeRead(read, champion) {
  if (!read) return null;
  const number = (name) => champion.members.find((one) => one.name === name)?.number ?? null;
  const most = Math.max(...read.map((one) => one.prompt + one.answer));
  const rows = read.map((one) => ({
    name: memberMark(one.name, number(one.name)), total: `${words.number(one.prompt + one.answer, 3)} tokens`,
    parts: [{ look: "prompt", letter: "prompt", words: `prompt ${words.number(one.prompt, 3)}`, share: one.prompt / most }, { look: "answer", letter: "answer", words: `answer ${words.number(one.answer, 3)}`, share: one.answer / most }],
  }));
  return el("div", {}, shareBars("Tokens that each member reads for an answer: mean of the selection items", rows),
    el("p", { class: "faint" }, "The prompt's are what a member alone reads less a token a pass behind the first, as the contenders' costs tell. A member's FLOPs go with the tokens that it reads."));
}

/** Steps of the traced answers, by whether the lead spoke alone. */
function computePositions(positions) {
  if (!positions) return null;
  const total = positions.speakers.reduce((sum, count) => sum + count, 0);
  const parts = positions.speakers.map((count, at) => ({ look: at ? "answer" : "prompt", letter: String(at + 1), words: `${at ? `${at + 1} speak` : "one alone"} ${words.percent(count / total, 0)}`, share: count / total })).filter((one) => one.share > 0);
  return shareBars(`Steps of the champion's answers to ${words.count(positions.items)} ${positions.split} items, by how many members speak there`, [{ name: "steps", total: words.count(total), parts }]);
}

function computeSearch(search) {
  const option = () => computeSeconds(search);
  return el("div", {}, el("dl", { class: "facts" }, computeFacts(search).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    el("p", { class: "faint" }, "How long each generation took. Generations that were told again from the ledger have no bar; choosing, rivals and test items come on top."),
    chart(option, "Seconds of every generation: forward passes, and all else", { height: 240 }));
}

/** Sums over the generations; what never was is left out. */
function computeFacts(search) {
  const sum = (name) => search[name].reduce((all, value) => all + (value ?? 0), 0);
  const told = sum("seconds");
  return [
    ["evaluations asked for", words.count(sum("new_evaluations"))], ["decoded; the rest were known", words.count(sum("decoded"))],
    ["rows forwarded, all members", words.quantity(sum("rows_forwarded"))],
    ...[["of them prompts' tokens", "prompt_tokens"], ["read again, as memory was short", "rows_reforwarded"]].map(([name, key]) => [name, sum(key)]).filter(([, count]) => count).map(([name, count]) => [name, words.quantity(count)]),
    ["batches", words.count(sum("forwards"))],
    ...(told ? [["seconds of all generations", words.number(told, 4)], ["of them in forward passes", words.number(sum("forward_seconds"), 3)]] : []),
  ];
}

function computeSeconds(search) {
  return {
    grid: { left: 56, right: 16, top: 40, bottom: 44 }, legend: { top: 0, textStyle: { color: colours.of("ink") } },
    xAxis: axis({ type: "category", data: search.generation, name: "generation", axisLabel: { color: colours.of("faint"), interval: everyFew(search.generation.length, 12) } }),
    yAxis: axis({ type: "value", name: "seconds", nameGap: 40 }),
    tooltip: tip(([pointed]) => computeGeneration(search, pointed.dataIndex), { trigger: "axis" }),
    series: [
      { name: "forward passes", type: "bar", stack: "seconds", data: search.forward_seconds.map((value, at) => (search.seconds[at] === null ? null : value)), itemStyle: { color: colours.of("accent") } },
      { name: "all else", type: "bar", stack: "seconds", data: search.seconds.map((value, at) => (value === null ? null : Math.max(0, value - (search.forward_seconds[at] ?? 0)))), itemStyle: { color: colours.of("rule"), borderColor: colours.of("faint") } },
    ],
  };
}

function computeGeneration(search, at) {
  const seconds = search.seconds[at] === null ? "told again from the ledger" : `${words.number(search.seconds[at], 3)} s, of them ${words.number(search.forward_seconds[at], 3)} s in forward passes`;
  return [`Generation ${search.generation[at]}`, seconds, `${words.count(search.new_evaluations[at])} evaluations, ${words.count(search.decoded[at])} decoded`, `${words.quantity(search.rows_forwarded[at])} rows forwarded`];
}

/** How often one computed distribution served, by depth: of the first, a middle and the last generation. */
function computeSharing(sharing) {
  const depths = Object.keys(sharing);
  const told = depths.length ? sharing[depths[0]].map((_, at) => at).filter((at) => depths.some((depth) => sharing[depth][at] !== null)) : [];
  if (!told.length) return null;
  const shown = [...new Set([told[0], told[Math.floor((told.length - 1) / 2)], told[told.length - 1]])];
  const look = [["accent", "circle", "solid"], ["good", "rect", "dashed"], ["bad", "diamond", "dotted"]];
  const option = () => ({
    grid: { left: 64, right: 16, top: 40, bottom: 48 }, legend: { top: 0, textStyle: { color: colours.of("ink") } },
    xAxis: axis({ type: "category", data: depths, name: "symbols into the answer", nameGap: 30 }),
    yAxis: axis({ type: "log", name: "asked for, per one worked out", nameGap: 46 }),
    tooltip: tip((pointed) => [`${pointed[0].axisValue} symbols into the answer`, ...pointed.map((one) => `${one.seriesName}: ${words.number(one.value, 3)} times`)], { trigger: "axis" }),
    series: shown.map((at, number) => ({
      name: `generation ${at}`, type: "line", data: depths.map((depth) => sharing[depth][at]), symbol: look[number][1], symbolSize: 8,
      itemStyle: { color: colours.of(look[number][0]) }, lineStyle: { color: colours.of(look[number][0]), type: look[number][2] },
    })),
  });
  return el("div", {}, el("h3", {}, "What policies share"),
    el("p", { class: "faint" }, "What a member says behind a text does not depend on the policy, so it is worked out once for all. The deeper into an answer, the fewer policies still stand on the same text: 1 means that nothing is shared."),
    chart(option, "How often one distribution was asked for, by depth into the answer", { height: 260 }),
    table(["symbols into the answer", ...shown.map((at) => `generation ${at}`)], depths.map((depth) => [depth, ...shown.map((at) => (sharing[depth][at] === null ? "–" : `${words.number(sharing[depth][at], 3)}×`))]), "Distributions asked for, per one worked out"));
}
