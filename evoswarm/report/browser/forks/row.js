/** An answer as a row of symbols, drawn when it comes into view. */
function forkRow(data, answer, label) {
  const row = el("div", { class: "symbols", role: "listbox", "aria-orientation": "horizontal", "aria-label": `${label}, ${answer.symbol.length} symbols` });
  row.draw = () => {
    if (row.dataset.drawn) return;
    row.dataset.drawn = "yes";
    for (const group of groupsOf(data, answer)) row.append(...groupNodes(data, answer, group));
    row.dispatchEvent(new CustomEvent("drawn", { bubbles: true }));
  };
  row.stepAt = (place) => stepOf(data, answer, place);
  row.style.minHeight = `${3.4 * Math.ceil(answer.symbol.length / 40)}rem`;
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    row.draw();
    row.style.minHeight = "";
  }, { rootMargin: "500px" });
  seen.observe(row);
  return row;
}

function groupNodes(data, answer, group) {
  const cells = group.steps.map((step) => symbolCell(data, answer, step));
  if (group.text !== null) {
    return [el("span", { class: "together", role: "presentation" }, el("span", { role: "presentation" }, cells), el("span", { class: "spells", "aria-hidden": "true" }, symbolNodes(group.text)))];
  }
  const symbol = data.symbols[answer.symbol[group.steps[0]]];
  return typeof symbol === "string" && symbol.includes("\n") ? [...cells, el("br")] : cells;
}

/** One symbol: a bar as high as the lead's entropy, the symbol, who decided it, and who else spoke. */
function symbolCell(data, answer, place) {
  const step = stepOf(data, answer, place);
  const height = step.entropy === null || !data.tallest ? 0 : Math.min(1, step.entropy / data.tallest);
  const overruled = step.by !== step.lead;
  const others = step.speakers.filter((member) => member !== step.lead);
  const entropy = step.entropy === null ? "entropy unknown" : `entropy ${words.number(step.entropy, 3)} nats`;
  return el("span", {
    class: `symbol by-${step.by < 0 ? "none" : step.by % 8}${overruled ? " overruled" : ""}`,
    role: "option", tabindex: "-1", "data-step": place,
    "aria-label": `${symbolWords(step.symbol)}, ${deciderWords(data, step)}, ${entropy}`,
  },
    el("i", { class: "bar", style: `--height:${height.toFixed(3)}` }),
    el("span", { class: "text" }, symbolNodes(step.symbol)),
    el("b", { class: "initial" }, step.by < 0 ? "+" : colours.letter(step.by)),
    el("span", { class: "spoke" }, others.map((member) => el("i", { class: `by-${member % 8}` }))));
}

/** The steps of an answer as a table: what the row shows, for those who read or listen instead. */
function forkTable(data, answer) {
  const likeliest = (some) => some.map((one) => `${symbolWords(one.symbol)} ${words.percent(one.share)}`).join(", ");
  const rows = answer.symbol.map((_, place) => {
    const step = stepOf(data, answer, place);
    const own = step.own === null ? "the lead alone" : step.own.map((one) => `${colours.letter(one.member)}: ${one.said.length ? likeliest(one.said.slice(0, 1)) : "nothing"}`).join("; ");
    return [place + 1, symbolWords(step.symbol), deciderWords(data, step), words.number(step.entropy, 3), words.number(step.moved, 3), words.number(step.logProb, 3), likeliest(step.fused), own];
  });
  return table(["", "symbol", "decided by", "entropy (nats)", "moved", "log-prob (nats)", "fused", "each speaker's own likeliest"], rows, "Every step of this answer");
}
