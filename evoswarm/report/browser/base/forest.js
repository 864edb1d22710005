/**
 * Means with their intervals below each other, on one scale: a table, so that it is read aloud and printed as one.
 * @typedef {Object} ForestRow
 * @property {Node|string} name
 * @property {string} look `champion`, `rival`, `other` or `ceiling`: how its dot is drawn
 * @property {number} mean
 * @property {?number} low null where there is no interval
 * @property {?number} high
 * @property {string} text the same in figures
 * @property {?string} badge
 * @typedef {{title: ?string, rows: ForestRow[]}} ForestGroup
 * @param {string} caption
 * @param {string[]} heads of the names and of the figures
 * @param {ForestGroup[]} groups
 * @param {{format: function(number): string, marks?: Array<{at: number, words: string}>, least?: number, most?: number}} scale
 */
function forest(caption, heads, groups, scale) {
  const rows = groups.flatMap((group) => group.rows);
  const span = forestSpan(rows, scale);
  const place = (value) => `${(100 * (value - span.from)) / (span.to - span.from)}%`;
  const marks = (scale.marks ?? []).filter((mark) => mark.at >= span.from && mark.at <= span.to);
  const lines = [...span.ticks.map((at) => el("i", { class: "tick", style: `left:${place(at)}` })), ...marks.map((mark) => el("i", { class: "mark", style: `left:${place(mark.at)}` }))];
  const plot = (row) => el("div", { class: "forest-plot", "aria-hidden": "true" }, lines.map((line) => line.cloneNode()),
    row.low === null ? null : el("i", { class: `bar ${row.look}`, style: `left:${place(row.low)};right:calc(100% - ${place(row.high)})` }),
    el("i", { class: `dot ${row.look}`, style: `left:${place(row.mean)}` }));
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
    el("table", { class: "forest" }, el("caption", {}, caption),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, heads[0]), el("td", { class: "forest-cell" }), el("th", { scope: "col", class: "number" }, heads[1]))),
      groups.filter((group) => group.rows.length).map((group) => el("tbody", {},
        group.title ? el("tr", {}, el("th", { class: "group", colspan: "3", scope: "rowgroup" }, group.title)) : null,
        group.rows.map((row) => el("tr", {}, el("th", { scope: "row" }, row.name), el("td", { class: "forest-cell" }, plot(row)),
          el("td", { class: "number" }, row.text, row.badge ? [" ", el("span", { class: "badge" }, row.badge)] : null))))),
      el("tfoot", { "aria-hidden": "true" }, el("tr", {}, el("td", {}), el("td", { class: "forest-cell" }, forestAxis(span, marks, place, scale.format)), el("td", {})))));
}

/** From where to where the scale goes, and its ticks. */
function forestSpan(rows, { marks = [], least = -Infinity, most = Infinity }) {
  const values = [...rows.flatMap((row) => [row.mean, row.low ?? row.mean, row.high ?? row.mean]), ...marks.map((mark) => mark.at)];
  let [from, to] = [Math.min(...values), Math.max(...values)];
  const room = Math.max(0.01, (to - from) * 0.04);
  [from, to] = [Math.max(least, from - room), Math.min(most, to + room)];
  const wanted = (to - from) / 4;
  const unit = 10 ** Math.floor(Math.log10(wanted));
  const step = unit * ([1, 2, 5, 10].find((times) => times * unit >= wanted) ?? 10);
  const ticks = [];
  for (let number = Math.ceil(from / step); number * step <= to + 1e-9; number += 1) ticks.push(number * step);
  return { from, to, ticks };
}

function forestAxis(span, marks, place, format) {
  return el("div", { class: "forest-axis" },
    span.ticks.map((at) => el("span", { style: `left:${place(at)}` }, format(at))),
    marks.filter((mark) => mark.words).map((mark) => el("span", { class: "below", style: `left:${place(mark.at)}` }, mark.words)));
}
