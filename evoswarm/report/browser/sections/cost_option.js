const COST_GRID = { left: 62, right: 24, top: 24, bottom: 48 };

/** What the library draws of `drawCost`: the axes, the front, and the finalists by their marks; policies are stamps. */
function costOption(report, known, state) {
  const points = costPoints(report, known, state);
  const front = frontOf(known, state, points);
  const marked = points.filter((point) => point.finalist);
  const scores = scoreAxis(points, state);
  state.wide = costRange(points, state).wide;
  return {
    grid: COST_GRID,
    xAxis: costAxis(points, state),
    yAxis: scores,
    dataZoom: [zoomOf("xAxisIndex"), zoomOf("yAxisIndex")],
    series: [
      extentSeries(points),
      frontSeries(front),
      ...(state.split === "selection" && state.y === "accuracy" ? [whiskers(marked)] : []),
      marks(report, marked, state.split === "selection" ? front : [], scores.min + 0.1 * (scores.max - scores.min)),
    ],
  };
}

/** Wheel with Ctrl, two fingers, or the buttons zoom; dragging moves. The page itself scrolls as ever. */
const zoomOf = (axes) => ({ type: "inside", [axes]: 0, filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseMove: true, moveOnMouseWheel: false, preventDefaultMouseMove: false });

/** From where to where costs go, and whether that is far enough for a logarithmic axis. */
function costRange(points, state) {
  const [low, high] = points.reduce((found, { x }) => [Math.min(found[0], x), Math.max(found[1], x)], [Infinity, -Infinity]);
  return { low, high, wide: state.x !== "open_share" && low > 0 && high / low > WIDE };
}

function costAxis(points, state) {
  const { low, high, wide } = costRange(points, state);
  const written = state.x === "open_share" ? (value) => words.percent(value, 0) : words.tick;
  const name = `${COST_AXES[state.x]?.axis ?? "steps at which a follower spoke"}${wide ? " (logarithmic)" : ""}`;
  const room = wide ? { min: low / 1.3, max: high * 1.3 } : { scale: true, boundaryGap: ["4%", "4%"] };
  const shown = axis({ name, nameGap: 30, type: wide ? "log" : "value", ...room });
  return { ...shown, axisLabel: { ...shown.axisLabel, formatter: written } };
}

function scoreAxis(points, state) {
  const { min, max, digits } = shareSpan(points.length ? points.map((point) => point.y) : [0, 1]);
  const shown = axis({ name: state.y === "accuracy" ? "items right" : `right of ${state.y.slice(5)}`, nameGap: 46, type: "value", min, max });
  return { ...shown, axisLabel: { ...shown.axisLabel, formatter: (value) => words.percent(value, digits) } };
}

/** How policies look that are no finalists: by their group; small and pale where they left their race early. */
function costLooks(known, state) {
  if (state.split === "selection") return () => null; // marks stand for all of them
  const many = known.distinct.length > 3000;
  const looks = new Map(policyGroups(known, state.by).map((group) => {
    const colour = group.colour();
    const look = (size, opacity) => ({ symbol: group.symbol, colour, size, opacity });
    return [group.key, { whole: look(many ? 6 : 9, many ? 0.5 : 0.7), early: look(6, 0.45) }];
  }));
  return (point) => looks.get(point.group)[known.rank.has(point.key) ? "whole" : "early"];
}

/** Two points that nobody sees: the axes reach as far as the points do. */
function extentSeries(points) {
  const reach = (name) => points.reduce((found, point) => [Math.min(found[0], point[name]), Math.max(found[1], point[name])], [Infinity, -Infinity]);
  const [xs, ys] = [reach("x"), reach("y")];
  return { type: "scatter", silent: true, symbol: "none", data: points.length ? [[xs[0], ys[0]], [xs[1], ys[1]]] : [] };
}

function frontSeries(front) {
  return { type: "line", silent: true, step: "end", showSymbol: false, data: front.map((point) => [point.x, point.y]), lineStyle: { color: colours.of("ink"), width: 1.5 }, z: 4 };
}

/** What each is expected to score on other items, with its interval. */
function whiskers(marked) {
  const known = marked.filter((point) => point.finalist.estimate);
  return {
    type: "custom", silent: true, z: 3, encode: { x: 0, y: [1, 2, 3] },
    data: known.map(({ x, finalist: { estimate } }) => [x, estimate.low, estimate.high, estimate.accuracy]),
    renderItem(_, api) {
      const [x, low] = api.coord([api.value(0), api.value(1)]);
      const [high, middle] = [api.coord([api.value(0), api.value(2)])[1], api.coord([api.value(0), api.value(3)])[1]];
      const style = { stroke: colours.of("faint"), lineWidth: 1 };
      const line = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style });
      return { type: "group", children: [line(x, low, x, high), line(x - 4, low, x + 4, low), line(x - 4, high, x + 4, high), line(x - 2, middle, x + 2, middle)] };
    },
  };
}

/** Finalists by their marks; `named` are those that are named though they have no name of their own; names of those that
 * are lower than `low` are above them. */
function marks(report, marked, named, low) {
  const nameOf = (point, mark) => (mark.name || !named.includes(point) ? mark.name : point.finalist.name);
  const inOrder = marked.map((point) => ({ point, mark: markOf(report, point.finalist) })).sort((a, b) => a.mark.size - b.mark.size);
  return {
    type: "scatter", silent: true, z: 5, labelLayout: { hideOverlap: true },
    data: inOrder.map(({ point, mark }) => ({
      value: [point.x, point.y], symbol: mark.symbol, symbolSize: mark.size,
      itemStyle: { color: colours.of(mark.hollow ? "paper" : "accent"), borderColor: colours.of(mark.hollow ? "ink" : "paper"), borderWidth: 1.5 },
      label: { show: nameOf(point, mark) !== "", formatter: () => nameOf(point, mark).slice(0, 40), position: point.y < low ? "top" : "bottom", color: colours.of("ink"), backgroundColor: colours.of("paper"), padding: [1, 3], borderRadius: 3 },
    })),
  };
}

/** What the marks and colours of the picture mean; a group is shown and hidden by its button. */
function costLegend(known, state, changed) {
  if (state.split === "selection") return [];
  const groups = policyGroups(known, state.by).map((group) => el("button", {
    type: "button", "aria-pressed": String(!state.off.has(group.key)),
    click: () => { if (!state.off.delete(group.key)) state.off.add(group.key); changed({}); },
  }, glyph(group.symbol, group.colour()), ` ${group.words} (${words.count(group.count)})`));
  if (known.columns.items.some((items) => items !== null)) groups.push(el("span", {}, "Small and pale: left its race before it was asked everything."));
  return known.finalists.size ? [...groups, el("span", {}, "Large with a name: champion and what it is compared with; large and hollow: other finalists.")] : groups;
}
