/**
 * A chart that is drawn when it comes into view, follows the width of its place and the theme of the page.
 * @param {function(): Object} option of ECharts, made anew for every theme; tips are elements (see `tip`), never markup.
 * @param {string} label what the chart shows, in words.
 * @param {{height?: number, click?: function(Object), ready?: function(Object)}} more `ready` is told the library's chart
 *   once it is there
 * @returns {HTMLElement} with a method `redraw`, which draws a changed option.
 */
function chart(option, label, { height = 320, click = null, ready = null } = {}) {
  const place = el("div", { class: "chart", role: "img", "aria-label": label, style: `height:${height}px` });
  let drawn = null;
  const whole = () => ({ animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colours.of("ink") }, ...option() });
  place.redraw = () => drawn && drawn.setOption(whole(), { notMerge: true });
  const draw = () => {
    if (drawn) return;
    seen.disconnect();
    drawn = echarts.init(place, null, { renderer: "canvas" });
    drawn.setOption(whole());
    if (click) drawn.on("click", click);
    if (ready) ready(drawn);
    new ResizeObserver(() => drawn.resize()).observe(place);
    place.dataset.drawn = "yes";
  };
  const seen = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && draw(), { rootMargin: "200px" });
  seen.observe(place);
  addEventListener("beforeprint", draw);
  colours.changed(place.redraw);
  return place;
}

/** What charts have in common: an axis in the page's own colours. */
function axis(more) {
  const line = { lineStyle: { color: colours.of("rule") } };
  return { nameTextStyle: { color: colours.of("faint") }, axisLabel: { color: colours.of("faint"), hideOverlap: true }, axisLine: line, axisTick: line, splitLine: line, nameLocation: "middle", nameGap: 28, ...more };
}

/** From where to where an axis of shares goes for all of some values to be well within, in round steps. */
function shareSpan(values) {
  const low = values.reduce((a, b) => Math.min(a, b), 1);
  const high = values.reduce((a, b) => Math.max(a, b), 0);
  const pad = Math.max(0.02, (high - low) * 0.06);
  const step = high - low > 0.3 ? 0.1 : 0.02;
  return { min: Math.max(0, Math.floor((low - pad) / step) * step), max: Math.min(1, Math.ceil((high + pad) / step) * step), digits: step < 0.1 ? 1 : 0 };
}

/** Which of so many labels in a row stand at an axis with room for some: equally many are left out between any two. */
function everyFew(count, room) {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((one) => count / one <= room) ?? Math.ceil(count / room);
  return (index) => index % step === 0;
}

/** The tip of a chart: `lines` makes the lines of what is pointed at, as texts or elements; no markup ever. */
function tip(lines, more = {}) {
  return {
    confine: true, backgroundColor: colours.of("raised"), borderColor: colours.of("rule"), textStyle: { color: colours.of("ink"), fontSize: 12 },
    formatter: (pointed) => el("div", { class: "tip" }, lines(pointed).map((line) => el("div", {}, line))), ...more,
  };
}
