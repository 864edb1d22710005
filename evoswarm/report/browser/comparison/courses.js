/** How several searches went, drawn over each other. */

const RUN_SYMBOLS = ["circle", "rect", "triangle", "diamond", "pin", "arrow", "roundRect", "emptyCircle"];
const RUN_LINES = ["solid", "dashed", "dotted"];

/** The looks of a run's series: colour, mark and line tell it apart, each of them alone up to a point. */
function runLook(number) {
  const color = colours.member(number);
  return { symbol: RUN_SYMBOLS[number % RUN_SYMBOLS.length], symbolSize: 7, itemStyle: { color }, lineStyle: { color, type: RUN_LINES[number % RUN_LINES.length], width: 2 } };
}

const runTitle = (run, number) => `${number + 1} ${run.name}`;

/** An axis of accuracies that shows the differences between some of them, and never more than all right. */
function accuracyAxis(accuracies) {
  const { min, max, digits } = shareSpan(accuracies);
  return axis({ type: "value", name: "accuracy on search items", nameGap: 48, min, max, axisLabel: { color: colours.of("faint"), formatter: (value) => words.percent(value, digits) } });
}

const comparedFrame = (runs) => ({ grid: { left: 64, right: 16, top: 24 + 20 * Math.min(4, runs.length), bottom: 48 }, legend: { type: "scroll", orient: "vertical", top: 0, left: "center", height: 20 * Math.min(4, runs.length), textStyle: { color: colours.of("ink") } } });

/** A scale of costs: by powers where they are far apart, as then a step to the right is a times as much. */
function costScale(told) {
  const flops = told.flatMap(({ course }) => course.points.flops).filter((value) => value > 0);
  const [least, most] = flops.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, 0]);
  return most > 20 * least ? { type: "log", min: least / 1.2, max: most * 1.2 } : { type: "value", scale: true };
}

/** All policies of all runs, and the front of each. */
function drawComparedCosts(place, data) {
  const told = data.runs.map((run, number) => ({ run, number, course: run.sections.course })).filter((one) => one.course?.points.flops.length);
  if (!told.length) return void put(place, el("p", {}, "Nobody was evaluated yet."));
  const pairs = (columns) => columns.flops.map((flops, at) => [flops, columns.accuracy[at]]);
  const option = () => ({
    ...comparedFrame(told),
    xAxis: axis({ ...costScale(told), name: "FLOPs of an answer, deployed alone", axisLabel: { color: colours.of("faint"), formatter: words.tick, hideOverlap: true } }),
    yAxis: accuracyAxis(told.flatMap(({ course }) => course.points.accuracy)),
    tooltip: tip((pointed) => [pointed.seriesName, `${words.percent(pointed.value[1])} at ${words.quantity(pointed.value[0])} FLOPs`], { trigger: "item" }),
    series: told.flatMap(({ run, number, course }) => [
      { name: runTitle(run, number), type: "line", step: "end", data: pairs(course.front), z: 3, ...runLook(number) },
      { name: runTitle(run, number), type: "scatter", data: pairs(course.points), large: course.points.flops.length > 2000, ...runLook(number), symbolSize: 5, itemStyle: { color: colours.member(number), opacity: 0.5 } },
    ]),
  });
  const row = ({ run, number, course: { points, front } }) => {
    const best = Math.max(...front.accuracy);
    return [runMark(run, number), words.count(points.flops.length), words.count(front.flops.length), words.percent(best), words.quantity(front.flops[front.accuracy.indexOf(best)])];
  };
  put(place, el("p", {}, "Every distinct policy that was scored on all search items is a small mark; the line joins those that no other of its run beats in both. Up and to the left is better."),
    chart(option, "Accuracy on the search items against FLOPs, all runs", { height: 420 }),
    table(["run", "policies", "on its front", "best accuracy", "at FLOPs"], told.map(row), "The fronts in figures"));
}

/** The best so far, by generation and by what was spent. */
function drawCourses(place, data) {
  const told = data.runs.map((run, number) => ({ run, number, course: run.sections.course })).filter((one) => one.course);
  const lines = (spent) => ({
    ...comparedFrame(told),
    tooltip: tip((pointed) => [pointed.seriesName, `${words.percent(pointed.value[1])} ${spent.at(pointed.value[0])}`], { trigger: "item" }),
    xAxis: axis({ type: "value", name: spent.name, minInterval: spent.whole ? 1 : 0, axisLabel: { color: colours.of("faint"), formatter: spent.format, hideOverlap: true } }),
    yAxis: accuracyAxis(told.flatMap(({ course }) => course.best)),
    series: told.filter(({ course }) => spent.of(course)).map(({ run, number, course }) => ({ name: runTitle(run, number), type: "line", step: spent.whole ? false : "end", data: course.best.map((best, at) => [spent.of(course)[at], best]).filter(([x]) => x !== undefined), ...runLook(number), symbolSize: 5 })),
  });
  const kinds = {
    generation: { words: "generation", name: "generation", whole: true, of: (course) => course.best.map((_, at) => at), format: words.count, at: (x) => `in generation ${x}` },
    evaluations: { words: "evaluations", name: "evaluations asked for", of: (course) => course.evaluations, format: words.tick, at: (x) => `after ${words.count(x)} evaluations` },
    seconds: { words: "seconds", name: "seconds of generations, as far as they were told", of: (course) => course.seconds, format: words.tick, at: (x) => `after ${words.number(x, 3)} s` },
  };
  const able = Object.entries(kinds).filter(([, kind]) => told.some(({ course }) => kind.of(course)));
  let shown = "generation";
  const plot = chart(() => lines(kinds[shown]), "Best accuracy on the search items so far, all runs", { height: 340 });
  const last = (column) => (column ? column[column.length - 1] : null);
  put(place, el("p", {}, "The greatest accuracy on the search items that anybody had so far, run by run: what is higher and further left found it sooner."),
    choices("By", Object.fromEntries(able.map(([key, kind]) => [key, kind.words])), shown, (key) => { shown = key; plot.redraw(); }), plot,
    table(["run", "generations", "evaluations", "seconds", "best accuracy"], told.map(({ run, number, course }) => [runMark(run, number), words.count(course.best.length), words.count(last(course.evaluations)), words.number(last(course.seconds), 4), words.percent(last(course.best))]), "What each search took"));
}
