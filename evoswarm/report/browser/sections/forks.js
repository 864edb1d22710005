const ITEMS_AT_FIRST = 6;
const ITEMS_AT_ONCE = 20;
const SHORT_ANSWER = 60; // symbols: the other policies' answers stand open beside such a one
const OUTCOMES_OF_ITEMS = {
  all: "All", right: "Right", wrong: "Wrong", rescued: "Rescued", broken: "Broken", gained: "Better than the best member",
  lost: "Worse than the best member", open: "Gate open", overruled: "Lead overruled",
};

/** Real answers, symbol by symbol: coloured by who decided, as high as the lead was unsure. */
function drawForks(place, report) {
  const data = report.sections.forks;
  const map = { data, outcome: "all", task: "", text: "", found: [], list: el("div", { class: "forks" }), status: el("p", { class: "faint", role: "status" }), texts: [] };
  map.texts = data.shown.map((item, number) => [item.question, item.gold, ...data.answers[number].map((answer) => answer.text ?? spelled(data, answer))].join("\n").toLowerCase());
  const tip = forkTip(data);
  place.append(el("div", { class: "forkmap" }, forkWords(data), forkLegend(data), forkFilters(map), map.status, map.list, tip.element));
  followPointer(map.list, tip);
  followKeys(map.list, tip);
  drawItems(map);
  followAddress("item", (number) => openItem(map, Number(number)));
}

/** What is seen, and how it came out, in sentences. */
function forkWords(data) {
  const counts = data.steps[data.policies.findIndex((one) => one.key === "champion")];
  const of = (count) => `${words.count(count)} (${words.percent(counts.all ? count / counts.all : 0)})`;
  const partial = data.between.length ? ` An answer is right from a score of ${data.right} on; there are scores between 0 and 1 in ${data.between.join(", ")}.` : "";
  return [
    el("p", {}, `Answers to ${data.split} items, symbol by symbol. The letter and the colour under a symbol say who decided it, the bar above it how unsure the lead was (its entropy); ticks below say who else was asked. Point at a symbol, or walk with the arrow keys, to see what each speaker wanted.`),
    el("p", {}, counts.all === counts.lead && !counts.open
      ? `In the champion's answers to ${words.count(data.items)} items, every one of ${words.count(counts.all)} symbols was decided by a lead alone: nothing is mixed within an answer.`
      : `In the champion's answers to ${words.count(data.items)} items, the lead's own choice was taken at ${of(counts.lead)} of ${words.count(counts.all)} symbols, another member's over it at ${of(counts.others)}, and at ${of(counts.together)} what was nobody's first choice. The gate was open at ${of(counts.open)}.`),
    el("p", { class: "faint" }, data.alone
      ? `Rescued: every member alone is wrong, the champion is right. Broken: every member alone is right, the champion is wrong.${partial}`
      : `Who is right alone is not known of these items, so nothing can be called rescued or broken.${partial}`),
  ];
}

function forkLegend(data) {
  const height = (share) => el("span", { class: "scale" }, el("i", { class: "bar", style: `--height:${share}` }), ` ${words.number(share * data.tallest, 2)}`);
  return el("div", { class: "forklegend" },
    data.members.map((_, member) => memberBadge(data, member)),
    el("span", {}, el("span", { class: "letter" }, "+"), " nobody's first choice"),
    el("span", { class: "scale" }, el("span", { class: "sample by-0" }), "filled: over the lead's choice"),
    el("span", { class: "scale" }, el("span", { class: "spoke" }, [0, 1].map((member) => el("i", { class: `by-${member}` }))), "the gate was open: who spoke beside the lead"),
    data.tallest ? el("span", { class: "scale" }, "entropy in nats", height(0.25), height(0.5), height(1), " or more") : null);
}

function forkFilters(map) {
  const { data } = map;
  const counted = Object.fromEntries(Object.entries(OUTCOMES_OF_ITEMS)
    .filter(([key]) => data.alone || !["rescued", "broken"].includes(key))
    .map(([key, label]) => [key, `${label} (${words.count(data.traced.flags.filter((flags) => hasOutcome(data, flags, key)).length)})`]));
  const again = (change) => { Object.assign(map, change); drawItems(map); };
  const tasks = el("select", { "aria-label": "Task", change: (event) => again({ task: event.target.value }) },
    el("option", { value: "" }, "all tasks"), data.tasks.map((task, number) => el("option", { value: number }, task)));
  const search = el("input", { type: "search", placeholder: "text in question or answer", "aria-label": "Search in questions and answers", input: (event) => again({ text: event.target.value.toLowerCase() }) });
  map.reset = () => { tasks.value = ""; search.value = ""; outcome.querySelector("button").click(); };
  const outcome = choices("Show", counted, "all", (key) => again({ outcome: key }));
  return el("div", { class: "forkfilters" }, outcome, el("div", { class: "choices" }, data.tasks.length > 1 ? tasks : null, search));
}

function hasOutcome(data, flags, key) {
  if (key === "all") return true;
  const has = (name) => Boolean(flags & (1 << data.flags.indexOf(name)));
  return key === "wrong" ? !has("right") : has(key);
}

/** Fills the list with the first of the items that the filters let through. */
function drawItems(map) {
  const { data } = map;
  const flagsOf = new Map(data.traced.number.map((number, place) => [number, data.traced.flags[place]]));
  const taskOf = new Map(data.traced.number.map((number, place) => [number, data.traced.task[place]]));
  const fits = (number) => hasOutcome(data, flagsOf.get(number), map.outcome) && (map.task === "" || taskOf.get(number) === Number(map.task));
  const all = data.traced.number.filter(fits);
  map.found = data.shown.map((_, place) => place).filter((place) => fits(data.shown[place].number) && (!map.text || map.texts[place].includes(map.text)));
  map.card = (place) => forkItem(data, place, flagsOf.get(data.shown[place].number), data.tasks[taskOf.get(data.shown[place].number)]);
  const held = data.shown.length < data.traced.number.length ? ` The page has room for ${words.count(data.shown.length)} of ${words.count(data.traced.number.length)} traced items: rescued and broken ones first, the rest a fair sample; counts are over all.` : "";
  map.status.textContent = `${words.count(map.found.length)} of ${words.count(all.length)} such items${map.text ? " hold this text" : " are on this page"}.${held}`;
  map.list.replaceChildren(...(map.found.length ? [] : [el("p", {}, "No such item here.")]));
  addItems(map, ITEMS_AT_FIRST);
}

/** Adds so many of them behind those that are there, which stay as they are; a button offers the next. */
function addItems(map, count) {
  const { list, found } = map;
  list.querySelector(":scope > button")?.remove();
  const there = list.querySelectorAll(".forkitem").length;
  const added = found.slice(there, there + count).map(map.card);
  const next = Math.min(found.length - there - added.length, ITEMS_AT_ONCE);
  const go = () => { const first = addItems(map, ITEMS_AT_ONCE); first?.focus({ preventScroll: true }); };
  list.append(...added, ...(next > 0 ? [el("button", { type: "button", click: go }, `Show ${next} more`)] : []));
  return added[0];
}

/** Shows one item, whatever the filters are; its number is that of the item in its split. */
function openItem(map, number) {
  const place = map.data.shown.findIndex((item) => item.number === number);
  if (place < 0) { map.status.textContent = `Item ${number} is not among those that this page holds.`; return; }
  if (!map.list.querySelector(`#item-${number}`)) { map.reset(); addItems(map, map.found.indexOf(place)); }
  const card = map.list.querySelector(`#item-${number}`);
  card.scrollIntoView();
  card.focus();
}

function forkItem(data, place, flags, task) {
  const item = data.shown[place];
  const outcomes = ["rescued", "broken", "gained", "lost"].filter((name) => hasOutcome(data, flags, name)).map((name) => el("span", { class: `outcome-of ${name}` }, OUTCOMES_OF_ITEMS[name].toLowerCase()));
  return el("article", { class: "forkitem", id: `item-${item.number}`, tabindex: "-1", "aria-label": `Item ${item.number}` },
    el("h3", {}, el("a", { href: `#item=${item.number}` }, `Item ${item.number}`), ` ${task} `, outcomes),
    el("p", {}, el("span", { class: "faint" }, "Question "), longText(item.question)),
    el("p", {}, el("span", { class: "faint" }, "Right answer "), item.gold === "" ? el("span", { class: "faint" }, "known to a verifier alone") : longText(item.gold)),
    item.alone ? el("p", { class: "alone" }, el("span", { class: "faint" }, "Alone "), item.alone.map((score, member) => el("span", {}, memberBadge(data, member), " ", scoreWords(data, score)))) : null,
    data.policies.map((policy, number) => policyAnswers(data, item, data.answers[place].filter((answer) => answer.policy === number), policy, number)));
}

function scoreWords(data, score) {
  if (score === null) return el("span", { class: "wrong" }, "✗ failed");
  const right = score >= data.right;
  return el("span", { class: right ? "right" : "wrong" }, `${right ? "✓" : "✗"}${score === 0 || score === 1 ? "" : ` ${words.number(score, 2)}`}`);
}

function longText(text, longest = 280) {
  const whole = (shown) => el("bdi", { class: "asked" }, shown);
  if (text.length <= longest) return whole(text);
  return el("details", { class: "long" }, el("summary", {}, whole(`${text.slice(0, longest)} …`)), whole(text));
}

/** What one policy answered: the champion's stands open, others where they are short. */
function policyAnswers(data, item, answers, policy, number) {
  const head = [el("b", {}, policy.key === "champion" ? "champion" : policy.name), " ", scoreWords(data, item.scores[number])];
  const scored = answers.find((answer) => answer.text !== null);
  const body = el("div", {},
    scored ? el("p", {}, el("span", { class: "faint" }, "Scored as "), scored.text === "" ? el("span", { class: "faint" }, "nothing") : longText(scored.text)) : null,
    answers.map((answer) => partAnswer(data, answer, policy)));
  const short = answers.every((answer) => answer.symbol.length <= SHORT_ANSWER);
  return el("details", { class: "policy", open: policy.key === "champion" || short }, el("summary", {}, head), body);
}

function partAnswer(data, answer, policy) {
  const part = policy.parts[answer.part];
  const label = part.label || (policy.key === "champion" ? "champion" : policy.name);
  const steps = el("details", { class: "stepwise", toggle: () => { if (steps.open && steps.children.length === 1) steps.append(forkTable(data, answer)); } }, el("summary", {}, "as a table"));
  return el("div", { class: "part" },
    part.label ? el("p", { class: "faint" }, part.label === data.members[part.lead] ? memberBadge(data, part.lead) : el("bdi", {}, part.label)) : null,
    answer.failure ? el("p", { class: "wrong" }, `Failed: ${answer.failure}`) : null,
    answer.symbol.length ? [forkRow(data, answer, label), steps] : null);
}

function followPointer(list, tip) {
  const cellOf = (event) => event.target.closest?.(".symbol");
  list.addEventListener("pointerover", (event) => { const cell = cellOf(event); if (cell) tip.show(cell); else tip.hide(); });
  list.addEventListener("pointerleave", () => tip.hide());
  list.addEventListener("focusin", (event) => { const cell = cellOf(event); if (cell) tip.show(cell); });
  list.addEventListener("focusout", () => tip.hide());
  list.addEventListener("click", (event) => { const cell = cellOf(event); if (cell) { cell.focus(); tip.show(cell); } });
  const follow = () => { const cell = list.querySelector(".symbol:hover, .symbol:focus"); if (cell) tip.show(cell); else tip.hide(); };
  addEventListener("scroll", () => { if (!tip.element.hidden) follow(); }, { passive: true });
}

/** One symbol of the list can be reached by Tab; arrow keys walk from it along answers and between them. */
function followKeys(list, tip) {
  let reached = null;
  const reach = (cell) => { if (reached) reached.tabIndex = -1; reached = cell; cell.tabIndex = 0; };
  const rows = () => [...list.querySelectorAll(".symbols")].filter((row) => !row.closest("details:not([open])"));
  list.addEventListener("drawn", (event) => { if (!reached?.isConnected) reach(event.target.querySelector(".symbol")); });
  list.addEventListener("focusin", (event) => { if (event.target.matches(".symbol")) reach(event.target); });
  list.addEventListener("keydown", (event) => {
    const cell = event.target.closest(".symbol");
    if (!cell) return;
    if (event.key === "Escape") tip.hide();
    const next = { ArrowLeft: () => inRow(cell, -1), ArrowRight: () => inRow(cell, 1), Home: () => inRow(cell, -Infinity), End: () => inRow(cell, Infinity), ArrowUp: () => inNext(cell, rows(), -1), ArrowDown: () => inNext(cell, rows(), 1) }[event.key]?.();
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

function inRow(cell, by) {
  const cells = [...cell.closest(".symbols").querySelectorAll(".symbol")];
  return cells[Math.max(0, Math.min(cells.length - 1, cells.indexOf(cell) + by))];
}

function inNext(cell, rows, by) {
  const row = rows[rows.indexOf(cell.closest(".symbols")) + by];
  if (!row) return null;
  row.draw();
  const cells = row.querySelectorAll(".symbol");
  return cells[Math.min(cells.length - 1, Number(cell.dataset.step))];
}
