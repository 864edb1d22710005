/**
 * An element with attributes and children. Text is always a text node: nothing that comes from a run is ever markup.
 * @param {string} tag
 * @param {Object} attributes by name; `class`, `style` and so on; functions are listeners by the name of their event;
 *   null and false leave an attribute out.
 * @param {...(Node|string|number|null|Array)} children null is left out.
 */
function el(tag, attributes = {}, ...children) {
  const made = tag === "svg" || attributes.xmlns ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (name === "style") made.style.cssText = value; // through the object model, never as markup
    else if (value !== null && value !== false && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  return put(made, ...children);
}

/** Appends children, as `el` takes them, to an element that is there already, and gives it back. */
function put(place, ...children) {
  place.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined).map(asNode));
  return place;
}

function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

/**
 * A table with a head; cells are texts or elements, numbers stand right, under heads that do so too. Its caption is above
 * it, not within: there it would be as narrow as a small table, and be scrolled out of view with a large one.
 */
function table(heads, rows, caption = null) {
  const numbers = heads.map((_, at) => typeof rows[0]?.[at] === "number");
  const head = (value, at) => el("th", { scope: "col", class: numbers[at] ? "number" : null }, value);
  const cell = (value) => (typeof value === "number" ? el("td", { class: "number" }, value.toLocaleString("en-US")) : el("td", {}, value));
  const shown = el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption ?? "table" },
    el("table", { "aria-label": caption },
      el("thead", {}, el("tr", {}, heads.map(head))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map(cell))))));
  return caption ? el("div", { class: "captioned" }, el("p", {}, caption), shown) : shown;
}

/** A set of choices of which one holds; `chosen` is told its key. */
function choices(label, options, current, chosen) {
  const buttons = Object.entries(options).map(([key, words]) =>
    el("button", { type: "button", "aria-pressed": String(key === current), click: () => pick(key) }, words));
  const keys = Object.keys(options);
  function pick(key) {
    buttons.forEach((button, number) => button.setAttribute("aria-pressed", String(keys[number] === key)));
    chosen(key);
  }
  return el("div", { class: "choices", role: "group", "aria-label": label }, el("span", {}, label), buttons);
}
