/** What is shared out along the curve: its words, and how its line looks. */
const CARRIED = {
  moved: { name: "decision weight", line: "solid", symbol: "circle" },
  changed: { name: "changed choices", line: "dashed", symbol: "diamond" },
  open: { name: "open gates", line: "dotted", symbol: "triangle" },
};

/** How much of what mixing decides lies at the positions where the lead is least sure. */
function drawWeight(place, report) {
  const data = report.sections.weight;
  const known = Object.keys(CARRIED).filter((name) => data.curve[name] && (name !== "open" || data.total.open < data.positions));
  place.append(el("p", {}, "Every symbol of the champion's answers, sorted by how unsure the lead was (its entropy), the least sure first. The lines say what share of three things the symbols so far carry: the decision weight (how far mixing moved the distribution from the lead's own, as total variation), the choices that mixing changed, and the open gates."));
  place.append(...weightWords(data));
  if (known.length) place.append(chart(() => weightOption(data, known), weightLabel(data), { height: 360 }));
  if (known.length) place.append(weightTable(data));
}

function weightWords(data) {
  const top = words.percent(data.top, 0);
  const where = `In the champion's answers to ${words.count(data.items)} ${data.split} items (${words.count(data.positions)} symbols)`;
  const leftOut = data.left_out ? el("p", { class: "faint" }, `${words.count(data.left_out)} more symbols are left out: the lead was not asked there, or had no say.`) : null;
  if (!data.positions) return [el("p", { class: "lead" }, "There are no symbols to sort: no answer of the champion could be traced."), leftOut].filter(Boolean);
  if (data.at_top.moved === null) {
    return [el("p", { class: "lead" }, `${where} nothing was moved: the lead decided alone everywhere, so there is no decision weight to share out.`), leftOut].filter(Boolean);
  }
  const share = data.at_top.moved;
  return [
    el("p", { class: "lead" }, `${where}, the ${top} at which the lead was least sure carry ${words.percent(share, 0)} of the decision weight, ${words.number(share / data.top, 2)} times their share.`),
    el("p", {}, alsoThere(data)),
    el("p", { class: "faint" }, `Published: in chains of thought of Qwen3-8B half of the tokens lie below 0.01 nats, and the ${top} of highest entropy, those above 0.67 nats, are where the text forks: training on them alone was enough (Wang et al. 2025, “Beyond the 80/20 Rule”, arXiv:2506.01939). Here, where symbols are those of the alphabet ${data.alphabets.join(" or ")}, ${words.percent(data.share_sure, 0)} lie below ${data.sure} nats and the top ${top} begin at ${words.number(data.entropy_at_top, 2)} nats.`),
    leftOut,
  ].filter(Boolean);
}

/** The two other readings, in words. */
function alsoThere(data) {
  const { changed, open } = data.at_top;
  const choices = changed === null
    ? "No choice was changed: at every symbol the lead's own likeliest was taken."
    : `There lie ${words.percent(changed, 0)} of the ${words.count(data.total.changed)} choices that were changed (another symbol was taken than the lead's own likeliest).`;
  const gates = data.total.open === data.positions
    ? "The gate was open everywhere."
    : open === null ? "The gate was never open." : `Of the ${words.count(data.total.open)} symbols at which the gate was open, ${words.percent(open, 0)} lie there.`;
  return `${choices} ${gates} If entropy told nothing, it would be ${words.percent(data.top, 0)} each; the ${words.percent(data.top, 0)} that carry most weight, whatever their entropy, carry ${words.percent(data.at_best, 0)} of it.`;
}

function weightLabel(data) {
  const told = Object.keys(CARRIED).filter((name) => data.at_top[name] !== null).map((name) => `${words.percent(data.at_top[name], 0)} of the ${CARRIED[name].name}`);
  return `Curves of what the symbols of highest entropy carry: the first ${words.percent(data.top, 0)} carry ${told.join(", ")}.`;
}

function weightOption(data, known) {
  const percent = { formatter: (value) => words.percent(value, 0), color: colours.of("faint"), hideOverlap: true };
  const mark = { silent: true, symbol: "none", lineStyle: { color: colours.of("faint"), type: "dashed" }, label: { formatter: words.percent(data.top, 0), color: colours.of("faint") }, data: [{ xAxis: data.top }] };
  const lines = known.map((name, number) => ({
    name: CARRIED[name].name, type: "line", showSymbol: true, symbol: CARRIED[name].symbol,
    symbolSize: (_, point) => (point.dataIndex % 20 === 10 ? 7 : 0),
    lineStyle: { color: colours.member(number), width: 2, type: CARRIED[name].line }, itemStyle: { color: colours.member(number) },
    data: data.grid.map((share, point) => [share, data.curve[name][point]]), ...(number === 0 ? { markLine: mark } : {}),
  }));
  const even = { name: "if entropy told nothing", type: "line", symbol: "none", silent: true, lineStyle: { color: colours.of("rule"), width: 1.5 }, itemStyle: { color: colours.of("rule") }, data: [[0, 0], [1, 1]] };
  return {
    grid: { left: 56, right: 20, top: 64, bottom: 48 },
    legend: { top: 0, textStyle: { color: colours.of("ink") } },
    tooltip: { trigger: "axis", ...tip((points) => [`the first ${words.percent(points[0].axisValue ?? points[0].value[0], 1)} of the symbols`, ...points.filter((one) => one.seriesName !== even.name).map((one) => `${one.seriesName}: ${words.percent(one.value[1])}`)]) },
    xAxis: axis({ type: "value", min: 0, max: 1, name: "share of the symbols, least sure first", axisLabel: percent }),
    yAxis: axis({ type: "value", min: 0, max: 1, name: "share carried", nameGap: 40, axisLabel: percent }),
    series: [...lines, even],
  };
}

function weightTable(data) {
  const top = words.percent(data.top, 0);
  const rows = [...data.tasks, { task: "all tasks", ...data }].map((one) => [
    el("bdi", {}, one.task), one.positions, words.percent(one.at_top.moved, 0),
    one.total.changed, words.percent(one.at_top.changed, 0), one.total.open, words.percent(one.at_top.open, 0),
  ]);
  return table(["task", "symbols", `weight in the top ${top}`, "changed choices", `in the top ${top}`, "open gates", `in the top ${top}`], rows, `By task: what the ${top} of its symbols at which the lead was least sure carry`);
}
