/** How many lineages were made, by which the ids of their elements differ. */
let lineageCount = 0;

/** The state of a lineage, and the elements that show it. */
class LineageView {
  constructor(run, bred) {
    Object.assign(this, { run, bred, selected: NO_ONE, mode: "everybody", scope: "line", depth: Infinity, descendants: false, hits: new Set(), hovered: NO_ONE });
    const { people, kin } = run;
    this.layouts = { everybody: everybody(people) };
    this.picture = new LineagePicture(run, "Everybody of this run, generation by generation; the list beside it says the same of who is selected.");
    this.status = el("p", { class: "faint", role: "status" });
    this.panel = el("div", { class: "panel", role: "region", "aria-label": "Who is selected", tabindex: "0" });
    this.tip = el("div", { class: "tip lineage-tip", hidden: true });
    lineageCount += 1;
    this.help = el("p", { class: "faint", id: `lineage-help-${lineageCount}` }, "Drag to move, wheel (once the picture was clicked), pinch or + and − to zoom, 0 for everything. Arrow keys: to the nearer parent, to the most accurate child, up and down a column, with Shift moving the picture; Enter opens who is selected.");
    this.picture.canvas.setAttribute("aria-describedby", this.help.id);
    this.search = lineageSearch(people, lineageWords(people, kin, run.champion), `lineage-words-${lineageCount}`, {
      found: (places) => { this.hits = new Set(places); this.picture.show(this.shown()); },
      chosen: (place) => this.select(place),
    });
    this.controls = this.makeControls();
    steer(this.picture.canvas, this.picture.camera, {
      moved: () => this.picture.redraw(),
      pointed: (x, y) => this.point(x, y),
      left: () => this.point(-99, -99),
      clicked: (x, y) => { const found = this.picture.camera.nearest(x, y); if (found !== NO_ONE) this.select(found); },
    });
    this.picture.canvas.addEventListener("keydown", (event) => this.pressed(event));
    this.picture.canvas.addEventListener("dblclick", () => this.open());
  }

  makeControls() {
    const set = (name) => (value) => { this[name] = value; this.update(true); };
    const button = (text, label, click) => el("button", { type: "button", title: label, "aria-label": label, click }, text);
    const { camera } = this.picture;
    const moved = (move) => () => { move(); this.picture.redraw(); };
    const depth = el("select", { change: () => set("depth")(Number(depth.value)) }, ["Infinity", 1, 3, 10, 30].map((value) => el("option", { value }, value === "Infinity" ? "all" : value)));
    const descendants = el("input", { type: "checkbox", change: () => set("descendants")(descendants.checked) });
    return el("div", { class: "lineage-controls" },
      this.bred ? [
        choices("Picture", { everybody: "Everybody", ancestors: "Only its ancestors" }, this.mode, set("mode")),
        choices("Ancestors", { line: "Main line", all: "All" }, this.scope, set("scope")),
        el("label", {}, "Steps back ", depth),
        el("label", {}, descendants, " Descendants too"),
      ] : null,
      el("span", { class: "zoom" },
        button("−", "Zoom out", moved(() => camera.zoom(1 / 1.5))),
        button("+", "Zoom in", moved(() => camera.zoom(1.5))),
        button("Fit", "Show everything", moved(() => camera.fit()))));
  }

  /** Selects somebody and brings the section into view. */
  show(place) {
    this.select(place);
    this.picture.canvas.closest("section").scrollIntoView();
    this.picture.canvas.focus({ preventScroll: true });
  }

  /** @param {{quietly?: boolean}} how quietly: nothing is announced, and the address stays. */
  select(place, { quietly = false } = {}) {
    if (place === NO_ONE) return;
    this.selected = place;
    this.update(this.mode === "ancestors");
    this.picture.camera.show(place);
    if (quietly) return;
    const { people, kin } = this.run;
    this.status.textContent = `${people.id[place]} selected: ${originWords(people, kin, place, (one) => people.id[one]).join("")}; ${gainOf(people, place, NO_ONE).words}.`;
    setAddress("lineage", people.id[place]);
  }

  /** Draws the state; in another layout where that is wanted. */
  update(anew) {
    const { people, kin } = this.run;
    const place = this.selected;
    this.line = mainLine(people, kin, place);
    this.ancestors = reach(place, kin.parents);
    this.heirs = reach(place, kin.children);
    if (anew) delete this.layouts.ancestors;
    const chosen = { place, line: this.line, ancestors: this.ancestors, descendants: this.heirs };
    this.panel.replaceChildren(...lineagePanel(this.run, chosen, (one) => this.chosenInPanel(one)).filter(Boolean));
    this.panel.prepend(this.opener());
    this.panel.scrollTop = 0;
    this.picture.show(this.shown(), this.mode === "everybody");
  }

  /** The button that was pressed goes with what the panel said; the focus stays in it. */
  chosenInPanel(place) {
    this.select(place);
    this.panel.focus({ preventScroll: true });
  }

  opener() {
    return el("button", { type: "button", class: "open", click: () => this.open() }, "Open it");
  }

  open() {
    if (this.selected !== NO_ONE) openIndividual(this.run.report, this.selected);
  }

  /** What the picture is to show now. */
  shown() {
    const { run, selected, line } = this;
    const back = reach(selected, run.kin.parents, this.depth);
    const near = line.filter((one) => back.has(one));
    const kin = this.scope === "all" ? back : new Map(near.flatMap((one) => [one, ...run.kin.parents[one]]).map((one) => [one, 0]));
    if (this.descendants) this.heirs.forEach((steps, one) => kin.set(one, steps));
    const edges = [];
    kin.forEach((_, child) => run.kin.parents[child].forEach((parent) => kin.has(parent) && edges.push([parent, child, kinshipOf(run, child)])));
    const alone = this.mode === "ancestors";
    const steps = alone && this.scope === "line" ? new Map(near.map((one) => [one, this.stepTexts(one)])) : null;
    if (alone) this.layouts.ancestors ??= layered(run.people, run.kin, kin, near, steps !== null);
    return { layout: this.layouts[this.mode], selected, kin: this.bred ? kin : new Map(), line: near, edges, hits: this.hits, hovered: this.hovered, champion: run.champion, labels: alone, steps };
  }

  /** What stands beneath a step of the main line. */
  stepTexts(place) {
    const { people, kin } = this.run;
    const parent = this.line[this.line.indexOf(place) - 1] ?? NO_ONE;
    const gain = gainOf(people, place, parent);
    const kind = kindOf(people, kin, place);
    const how = kind === "founder" ? [] : [kind === "migration" ? `migrated to island ${people.island[place]}` : operatorOf(people, place).replaceAll("+", ", ").replace("crossover", "crossing")];
    return [...how, gain.points === null ? gain.words : `${gain.words} (${words.points(gain.points)})`, ...stepChanges(this.run, place, parent)];
  }

  point(x, y) {
    const { camera, canvas } = this.picture;
    const found = x < -9 ? NO_ONE : camera.nearest(x, y);
    this.tip.hidden = found === NO_ONE;
    canvas.style.cursor = found === NO_ONE ? "grab" : "pointer";
    if (found !== this.hovered) this.hover(found);
    if (found === NO_ONE) return;
    const left = x + 16 + this.tip.offsetWidth > camera.width ? Math.max(0, x - 16 - this.tip.offsetWidth) : x + 16;
    this.tip.style.cssText = `left:${left}px;top:${y + 12}px`;
  }

  hover(place) {
    this.hovered = place;
    this.picture.shown.hovered = place;
    this.picture.redraw();
    if (place === NO_ONE) return;
    const { people, kin } = this.run;
    this.tip.replaceChildren(el("strong", {}, people.id[place]), el("div", {}, originWords(people, kin, place, (one) => people.id[one]).join("")), el("div", {}, measuredWords(people, place)));
  }

  pressed(event) {
    const { people, kin } = this.run;
    const { camera } = this.picture;
    const near = { ArrowLeft: () => nearerParent(people, kin, this.selected), ArrowRight: () => mostAccurate(people, kin.children[this.selected])[0] ?? NO_ONE, ArrowUp: () => this.beside(-1), ArrowDown: () => this.beside(1) };
    const pans = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    const moves = { "+": () => camera.zoom(1.5), "=": () => camera.zoom(1.5), "-": () => camera.zoom(1 / 1.5), 0: () => camera.fit() };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.shiftKey && pans[event.key]) camera.pan(...pans[event.key]);
    else if (near[event.key]) this.go(near[event.key](), event.key);
    else if (moves[event.key]) moves[event.key]();
    else if (event.key === "Enter") this.open();
    else return;
    event.preventDefault();
    this.picture.redraw();
  }

  /** Selects who is in a direction, or says that nobody is. */
  go(place, key) {
    if (place !== NO_ONE) return this.select(place);
    const nobody = { ArrowLeft: "no parents", ArrowRight: "no children", ArrowUp: "nobody above it", ArrowDown: "nobody beneath it" };
    this.status.textContent = `${this.run.people.id[this.selected]} has ${nobody[key]}.`;
    return undefined;
  }

  /** The next above or below in the same column of the picture. */
  beside(step) {
    const { x, y, places } = this.picture.camera.layout;
    const column = places.filter((one) => x[one] === x[this.selected]).sort((one, two) => y[one] - y[two]);
    return column[column.indexOf(this.selected) + step] ?? NO_ONE;
  }
}

/** How a line from a parent to a child is drawn. */
function kinshipOf({ people, kin }, child) {
  const kind = kindOf(people, kin, child);
  return KINSHIPS[kind] ? kind : "other";
}
