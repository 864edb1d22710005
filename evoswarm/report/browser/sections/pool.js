/** Whether the members complement each other: who is right where others fail. */
function drawPool(place, report) {
  const data = report.sections.pool;
  const names = Object.keys(data.splits);
  const shown = el("div", { class: "complement" });
  if (!names.length) { shown.append(...poolFirstLook(data)); place.append(shown); return; }
  const draw = (split) => shown.replaceChildren(...poolOnSplit(data, split));
  const first = names.includes("test") ? "test" : names[0];
  place.append(el("p", {}, "Mixing can help where members fail at different questions. Here every member answers alone, greedily, as the space asks it."));
  if (names.length > 1) place.append(choices("Items", Object.fromEntries(names.map((name) => [name, `${name} (${words.count(data.splits[name].items)})`])), first, draw));
  place.append(shown);
  draw(first);
}

function poolOnSplit(data, name) {
  const split = data.splits[name];
  const many = data.members.length > 1;
  return [
    el("p", { class: "lead" }, poolSentence(data, split, name)),
    split.of > split.items ? el("p", { class: "faint" }, `They are the first of the ${words.count(split.of)} test items of the certificate, whose numbers are about all of them.`) : null,
    split.between.length ? el("p", { class: "faint" }, `An answer counts as right from a score of ${data.right} on; there are scores between 0 and 1 in ${split.between.join(", ")}.`) : null,
    accuracyBars(data, split), oracleWords(split),
    ...(many ? [rescueMatrix(data, split), phiMatrix(data, split)] : []),
    profileTable(data.members, split.profiles, split.tasks),
  ].filter(Boolean);
}

function poolSentence(data, split, name) {
  const best = split.profiles[split.best];
  if (data.members.length === 1) return `The pool has one member, ${best.name}: it is right on ${words.percent(best.accuracy)} of ${words.count(split.items)} ${name} items, and nobody can complement it.`;
  const champion = split.profiles[data.members.length];
  return `Of ${words.count(split.items)} ${name} items, ${words.count(split.nobody)} are right for no member and ${words.count(split.everybody)} for every one. The best member, ${best.name}, has ${words.percent(best.accuracy)}; who could tell for every item which member is right would have ${words.percent(split.oracle.accuracy)}; the champion has ${words.percent(champion.accuracy)}.`;
}

/** Accuracies of members, champion, uniform mix and oracle router, as bars with their numbers. */
function accuracyBars(data, split) {
  const member = (one, number) => [number < data.members.length ? memberBadge(data, number) : el("b", {}, one.name), one.accuracy, number < data.members.length ? number % 8 : "none"];
  const rows = [...split.profiles.map(member), ["oracle router", split.oracle.accuracy, "none"]];
  return el("div", { class: "poolbars", role: "table", "aria-label": "Accuracy of each alone, mixed, and of the oracle router" }, rows.map(([label, share, by]) =>
    el("div", { role: "row" }, el("span", { role: "cell" }, label), el("span", { class: "track", role: "presentation" }, el("i", { class: `by-${by}`, style: `width:${(100 * share).toFixed(1)}%` })), el("span", { class: "number", role: "cell" }, words.percent(share)))));
}

function oracleWords(split) {
  const told = split.oracle.certificate;
  const own = "The oracle router is told the right answers: on each item it has the best score that any member has there. It is no rival, but shows how much there is to be had by choosing.";
  if (!told) return el("p", { class: "faint" }, own);
  return el("p", { class: "faint" }, `${own} The certificate's, which lets every member answer as it is best alone, has ${words.interval(told)} on ${words.count(told.items)} test items. `, el("bdi", {}, told.description));
}

/** A table of members by members with coloured numbers; columns are headed by letters, which the rows explain. */
function memberMatrix(data, caption, more, cell) {
  const heads = ["", ...data.members.map((name, number) => el("abbr", { class: `by-${number % 8}`, title: name }, el("span", { class: "letter" }, colours.letter(number)))), ...more.map((one) => one.head)];
  const rows = data.members.map((_, row) => [memberBadge(data, row), ...data.members.map((__, column) => cell(row, column)), ...more.map((one) => one.value(row))]);
  return el("div", { class: "matrix" }, table(heads, rows, caption));
}

function tinted(text, colour, share, title) {
  return el("span", { class: "tinted", title, style: `background:color-mix(in srgb, ${colour} ${Math.round(60 * share)}%, transparent)` }, text);
}

function rescueMatrix(data, split) {
  const cell = (row, column) => {
    const failed = split.failures[row];
    if (row === column || !failed) return el("span", { class: "faint" }, "–");
    const share = split.rescues[row][column] / failed;
    return tinted(words.percent(share, 0), "var(--accent)", share, `of ${failed} items that ${data.members[row]} gets wrong, ${data.members[column]} gets ${split.rescues[row][column]} right`);
  };
  const more = [
    { head: "gets wrong", value: (row) => split.failures[row] },
    { head: "alone is right", value: (row) => split.unique[row] },
  ];
  return memberMatrix(data, "Who is right where others fail: of the items that the member of the row gets wrong, the share that the member of the column gets right. “Alone is right” counts items that no other member gets right.", more, cell);
}

function phiMatrix(data, split) {
  const cell = (row, column) => {
    const phi = split.phi[row][column];
    if (row === column || phi === null) return el("span", { class: "faint" }, "–");
    return tinted(`${phi < 0 ? "−" : "+"}${Math.abs(phi).toFixed(2)}`, phi < 0 ? "var(--apart)" : "var(--alike)", Math.abs(phi), `errors of ${data.members[row]} and ${data.members[column]}`);
  };
  return memberMatrix(data, "Correlation of errors (phi): +1 where two members are wrong on the same items, 0 where one says nothing of the other, below 0 where one tends to be right when the other is wrong. Low is good for mixing. No number where one of them is always or never wrong.", [], cell);
}

/** Members, champion and uniform mix by task. */
function profileTable(members, profiles, tasks) {
  const name = (one, number) => (number < members.length ? memberBadge({ members }, number) : el("b", {}, one.name));
  const rows = profiles.map((one, number) => [name(one, number), ...tasks.map((task) => shareCell(one.by_task[task])), shareCell(one.accuracy)]);
  return el("div", { class: "profile" }, table(["", ...tasks.map((task) => el("bdi", {}, task)), "all"], rows, "By task: accuracy of each member alone, of the champion and of the uniform mix"));
}

function shareCell(share) {
  if (share === null || share === undefined) return el("span", { class: "faint" }, "–");
  return el("span", { class: "sharecell" }, words.percent(share), el("i", { style: `width:${(100 * share).toFixed(1)}%` }));
}

/** Of a run that did not write down who is right on what: what each member did on the calibration items. */
function poolFirstLook(data) {
  const { items, tasks, accuracy } = data.first_look;
  const rows = data.members.map((_, number) => [memberBadge(data, number), ...tasks.map((task) => shareCell(accuracy[number][task]))]);
  return [
    el("p", {}, `What each member does alone on the ${words.count(items)} calibration items of the search split, by task. Who is right where others fail is not known of this run: it did not write down who is right on which item.`),
    el("div", { class: "profile" }, table(["", ...tasks.map((task) => el("bdi", {}, task))], rows, "By task: accuracy of each member alone")),
  ];
}
