/** Pixels from which a point is still pointed at. */
const REACH = 24;

/**
 * A chart whose points can be pointed at: the one nearest to the mouse within reach, or, from the keyboard, one after
 * the other. (A library finds only what is exactly under the mouse, and slowly where there are 10,000.)
 * @param {HTMLElement} place as `chart` makes it
 * @param {Object} asked
 * @param {string} asked.label what the arrow keys walk through
 * @param {function(): Array<{x: number, y: number}>} asked.points in the units of the axes; those that may be pointed at
 * @param {function(Object): Array<Node|string>} asked.lines what is said of a point
 * @param {function(Object, Object[])} asked.open what a click on a point does, and Enter; all points from left to right
 * @returns {HTMLElement} with a method `forget`, for when points or axes have changed
 */
function pointedAt(place, { label, points, lines, open }) {
  const ring = el("span", { class: "ring", hidden: true });
  const said = el("div", { class: "said", hidden: true, role: "status" });
  const whole = el("div", { class: "pointed", tabindex: "0", role: "group", "aria-label": label }, place, ring, said);
  let [pixels, pointed, pressed] = [null, null, null];

  function located() {
    const drawn = echarts.getInstanceByDom(place);
    if (!drawn) return [];
    pixels ??= points().map((point) => ({ point, at: drawn.convertToPixel({ gridIndex: 0 }, [point.x, point.y]) }))
      .filter((one) => drawn.containPixel({ gridIndex: 0 }, one.at)).sort((a, b) => a.at[0] - b.at[0] || b.at[1] - a.at[1]);
    return pixels;
  }
  function show(one) {
    if (one === pointed) return;
    pointed = one;
    ring.hidden = said.hidden = one === null;
    if (!one) return;
    const [x, y] = one.at;
    ring.style.transform = `translate(${x}px, ${y}px)`;
    said.replaceChildren(...lines(one.point).map((line) => el("div", {}, line)));
    const right = x > place.clientWidth / 2;
    const top = Math.max(0, Math.min(y + 10, place.clientHeight - said.offsetHeight));
    said.style.cssText = `${right ? "right" : "left"}:${Math.max(0, (right ? place.clientWidth - x : x) + 14)}px;top:${top}px`;
  }
  function nearest(event) {
    const box = place.getBoundingClientRect();
    let [best, least] = [null, REACH * REACH];
    for (const one of located()) {
      const far = (one.at[0] + box.left - event.clientX) ** 2 + (one.at[1] + box.top - event.clientY) ** 2;
      if (far < least) [best, least] = [one, far];
    }
    return best;
  }
  const opened = (one) => open(one.point, located().map((other) => other.point));
  whole.forget = () => { pixels = null; show(null); };
  whole.addEventListener("pointerdown", (event) => { pressed = event; });
  whole.addEventListener("pointermove", (event) => show(event.buttons ? null : nearest(event)));
  whole.addEventListener("pointerleave", () => show(null));
  whole.addEventListener("blur", () => show(null));
  whole.addEventListener("click", (event) => {
    const dragged = pressed && Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) > 4;
    const one = dragged ? null : nearest(event);
    if (one) opened(one);
  });
  whole.addEventListener("keydown", (event) => {
    const all = located();
    const page = Math.ceil(all.length / 20);
    const at = pointed ? all.indexOf(pointed) : null;
    const next = { ArrowLeft: (at ?? all.length) - 1, ArrowRight: (at ?? -1) + 1, PageUp: (at ?? all.length) - page, PageDown: (at ?? -1) + page, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Escape") show(null);
    else if ((event.key === "Enter" || event.key === " ") && pointed) opened(pointed);
    else if (next !== undefined && all.length) show(all[Math.max(0, Math.min(all.length - 1, next))]);
    else return;
    event.preventDefault();
  });
  new ResizeObserver(whole.forget).observe(place);
  return whole;
}

/** Buttons that zoom a chart with two inner zooms about its middle, for hands without a wheel. */
function zoomButtons(place) {
  let ends = [0, 100];
  function zoom(by) {
    const half = by === null ? 50 : Math.min(50, ((ends[1] - ends[0]) / 2) * by);
    const middle = Math.max(half, Math.min(100 - half, (ends[0] + ends[1]) / 2));
    ends = [middle - half, middle + half];
    [0, 1].forEach((dataZoomIndex) => echarts.getInstanceByDom(place)?.dispatchAction({ type: "dataZoom", dataZoomIndex, start: ends[0], end: ends[1] }));
  }
  const button = (name, by) => el("button", { type: "button", click: () => zoom(by) }, name);
  return el("div", { class: "choices" }, button("Zoom in", 0.6), button("Zoom out", 1 / 0.6), button("Show all", null), el("span", {}, "Ctrl and wheel or two fingers zoom where the mouse is, dragging moves."));
}
