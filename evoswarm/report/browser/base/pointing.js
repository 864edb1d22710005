/** Pixels from which a point is still pointed at. */
const REACH = 24;

/**
 * A chart whose points can be pointed at: the one nearest to the mouse within reach, or, from the keyboard, one after
 * the other.
 * @param {HTMLElement} place as `chart` makes it
 * @param {Object} asked
 * @param {Object} asked.layer the points, as `pointLayer` makes it
 * @param {string} asked.label what the arrow keys walk through
 * @param {function(Object): Array<Node|string>} asked.lines what is said of a point
 * @param {function(Object, Object[])} asked.open what a click on a point does, and Enter; all points from left to right
 * @returns {HTMLElement} with methods `draw`, for whenever the axes were drawn, and `forget`, for when points are others
 */
function pointedAt(place, { layer, label, lines, open }) {
  const ring = el("span", { class: "ring", hidden: true });
  const said = el("div", { class: "said", hidden: true, role: "status" });
  const whole = el("div", { class: "pointed", tabindex: "0", role: "group", "aria-label": label }, layer.canvas, place, ring, said);
  let [pointed, pressed] = [null, null];

  function show(one) {
    if (one === pointed) return;
    pointed = one;
    ring.hidden = said.hidden = one === null;
    if (!one) return;
    const { x, y } = one;
    ring.style.transform = `translate(${x}px, ${y}px)`;
    said.replaceChildren(...lines(one.point).map((line) => el("div", {}, line)));
    const right = x > place.clientWidth / 2;
    const top = Math.max(0, Math.min(y + 10, place.clientHeight - said.offsetHeight));
    said.style.cssText = `${right ? "right" : "left"}:${Math.max(0, (right ? place.clientWidth - x : x) + 14)}px;top:${top}px`;
  }
  function nearest(event) {
    const box = place.getBoundingClientRect();
    let [best, least] = [null, REACH * REACH];
    for (const one of layer.seen()) {
      const far = (one.x + box.left - event.clientX) ** 2 + (one.y + box.top - event.clientY) ** 2;
      if (far < least) [best, least] = [one, far];
    }
    return best;
  }
  const opened = (one) => open(one.point, layer.seen().map((other) => other.point));
  whole.forget = () => { layer.forget(); show(null); };
  whole.draw = () => { layer.draw(); show(null); };
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
    const all = layer.seen();
    const page = Math.ceil(all.length / 20);
    const at = pointed ? all.indexOf(pointed) : null;
    const next = { ArrowLeft: (at ?? all.length) - 1, ArrowRight: (at ?? -1) + 1, PageUp: (at ?? all.length) - page, PageDown: (at ?? -1) + page, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Escape") show(null);
    else if ((event.key === "Enter" || event.key === " ") && pointed) opened(pointed);
    else if (next !== undefined && all.length) show(all[Math.max(0, Math.min(all.length - 1, next))]);
    else return;
    event.preventDefault();
  });
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
