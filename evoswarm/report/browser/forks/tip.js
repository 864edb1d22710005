/** What is known of the symbol that is pointed at: who decided it, what each speaker wanted, what came of it. */
function forkTip(data) {
  const tip = el("div", { class: "forktip", role: "status", hidden: true });
  return {
    element: tip,
    show(cell) {
      const row = cell.closest(".symbols");
      const place = Number(cell.dataset.step);
      tip.replaceChildren(...tipNodes(data, row.stepAt(place), place, row.querySelectorAll(".symbol").length));
      tip.hidden = false;
      besides(tip, cell.getBoundingClientRect());
    },
    hide() { tip.hidden = true; },
  };
}

function tipNodes(data, step, place, count) {
  const told = [
    step.entropy === null ? null : `entropy ${words.number(step.entropy, 3)} nats`,
    step.moved === null ? null : `moved by ${words.percent(step.moved)}`,
    step.logProb === null ? null : `log-prob ${words.number(step.logProb, 3).replace("-", "−")} nats`,
  ];
  const alone = step.own === null;
  return [
    el("p", {}, el("b", { class: "quoted" }, symbolNodes(step.symbol, 200)), el("span", { class: "faint" }, ` symbol ${place + 1} of ${count}`)),
    el("p", {}, `Decided by ${deciderWords(data, step)}.`),
    el("p", { class: "faint" }, told.filter(Boolean).join(" · ")),
    el("div", { class: "candidates" },
      candidateList(alone ? memberBadge(data, step.speakers[0] ?? step.lead) : "Fused", step.fused, step.symbol),
      alone ? null : step.own.map((one) => candidateList(memberBadge(data, one.member), one.said, step.symbol))),
  ];
}

/** The likeliest symbols of one distribution; the one that was taken is marked. */
function candidateList(title, candidates, taken) {
  const same = (one) => JSON.stringify(one.symbol) === JSON.stringify(taken);
  return el("div", { class: "candidate" }, el("div", { class: "whose" }, title),
    candidates.length === 0 ? el("p", { class: "faint" }, "had nothing to say") : null,
    candidates.map((one) => el("div", { class: same(one) ? "taken" : null },
      el("span", { class: "quoted" }, symbolNodes(one.symbol, 24)),
      el("span", { class: "share" }, words.percent(one.share)),
      el("i", { style: `width:${(100 * one.share).toFixed(1)}%` }))));
}

/** Puts a tip below or above a place on the screen, wholly within it. */
function besides(tip, box) {
  const width = document.documentElement.clientWidth;
  const left = Math.max(4, Math.min(box.left, width - tip.offsetWidth - 4));
  const below = box.bottom + 6;
  const top = below + tip.offsetHeight < innerHeight ? below : Math.max(4, box.top - tip.offsetHeight - 6);
  tip.style.left = `${left}px`;
  tip.style.top = `${top}px`;
}
