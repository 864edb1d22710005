/** Several runs of one space: what came of each, and in what they differ. */

/** A run with its number, in its colour; charts draw it in the same colour, with a mark of its own. */
function runMark(report, number) {
  return el("span", { class: `member by-${number % 8}` }, el("span", { class: "letter", "aria-hidden": "true" }, String(number + 1)), " ", report.name);
}

/** What won where: scores with their intervals, then each verdict in its own words. */
function drawVerdicts(place, data) {
  const tested = data.runs.filter((run) => run.sections.verdict.score?.split === "test").length;
  const row = (run, number) => {
    const { score } = run.sections.verdict;
    const how = { test: "tested", expected: "expected", selection: "on selection" }[score.split];
    return { name: runMark(run, number), look: score.split === "test" ? "champion" : "other", ...score, text: words.interval(score), badge: how };
  };
  const rows = data.runs.map((run, number) => (run.sections.verdict.score ? row(run, number) : null)).filter(Boolean);
  put(place,
    el("p", {}, `${words.count(data.runs.length)} searches of one space, side by side. A dot is the accuracy of a champion, its bar the 95% interval${tested ? "; round dots were scored on test items" : ""}${tested < rows.length ? "; squares were not, and say what is expected of other items" : ""}.`),
    rows.length ? forest("The champions' accuracies", ["run", "accuracy"], [{ title: null, rows }], PERCENT_SCALE) : null,
    el("p", { class: "faint" }, "Whether one run is better than another is not tested here: evoswarm certify RUN RUN ... gives the champions of several seeds one certificate."),
    el("div", { class: "runs" }, data.runs.map((run, number) => {
      const said = run.sections.verdict;
      return el("div", { class: `card by-${number % 8}` }, el("h3", {}, runMark(run, number)), el("p", {}, el("strong", {}, said.headline)), el("p", {}, said.sentence), said.more.slice(0, 1).map((sentence) => el("p", { class: "faint" }, sentence)));
    })));
}

/** The champions beside each other. */
function drawChampions(place, data) {
  put(place,
    el("p", {}, "Who answers in each champion, how often each member speaks, and what an answer costs, deployed alone."),
    sameChampions(data).map((sentence) => el("p", { class: "lead" }, sentence)),
    el("div", { class: "runs" }, data.runs.map((run, number) => {
      const said = run.sections.champion;
      if (!said) return el("div", { class: `card by-${number % 8}` }, el("h3", {}, runMark(run, number)), el("p", {}, "There is no champion yet."));
      return el("div", { class: `card by-${number % 8}` }, el("h3", {}, runMark(run, number)), said.words.map((line) => el("p", {}, line)),
        table(["member", "role", "steps"], said.members.map((one) => [memberMark(one.name, one.number), one.role, words.percent(one.steps, 0)]), `The members, with their share of steps on the ${said.split} items`));
    })),
    el("h3", {}, "What an answer costs"),
    table(["run", "FLOPs", "passes", "weights read", "on"], data.runs.map((run, number) => {
      const said = run.sections.champion;
      return [runMark(run, number), ...(said ? [words.quantity(said.compute.flops), words.number(said.compute.passes, 3), `${words.quantity(said.compute.weight_reads)}B`, `${said.split} items`] : ["–", "–", "–", "–"])];
    }), "The champions, deployed alone: means of the items"));
}

/** Which runs ended with the same policy, in a sentence each. */
function sameChampions(data) {
  const digests = data.runs.map((run) => run.sections.repeat.facts.find(([name]) => name === "champion")?.[1] ?? null);
  return [...new Set(digests)].filter((digest) => digest !== null).map((digest) => digests.flatMap((one, at) => (one === digest ? [at + 1] : []))).filter((same) => same.length > 1)
    .map((same) => (same.length === digests.length ? `${same.length === 2 ? "Both" : `All ${words.count(same.length)}`} ended with the same policy.` : `Runs ${same.slice(0, -1).join(", ")} and ${same.at(-1)} ended with the same policy.`));
}

/** The settings in which the runs differ. */
function drawVarying(place, data) {
  const rows = Object.entries(data.varying).map(([path, values]) => [el("code", {}, path), ...values.map((value) => el("code", {}, value === "" ? "–" : value))]);
  put(place, rows.length
    ? [el("p", {}, "All settings that are not the same in every run; what is not here is."), table(["setting", ...data.runs.map(runMark)], rows, "Settings by run")]
    : el("p", {}, "The spaces say the same in everything."));
}

/** How to come to the page of each of them. */
function drawComparedCommands(place, data) {
  const places = data.runs.map((run) => run.sections.repeat.commands.at(-1)[1].replace("evoswarm report ", ""));
  const closed = data.runs.every((run) => run.sections.verdict.outcome === "none");
  const seeds = closed && Object.keys(data.varying).join() === "seed";
  put(place, el("p", {}, "Each run has a page of its own, with its answers, its lineage and all that it takes to repeat it. Paths below are seen from the folder that the run directories are in."),
    data.runs.map((run, number) => copied(`the page of ${runTitle(run, number)}`, `evoswarm report ${places[number]} --open`)),
    seeds ? copied("one certificate for all of them, as they differ in their seed alone", `evoswarm certify ${places.join(" ")}`) : null,
    copied("write this page anew", `evoswarm report ${places.join(" ")}`));
}
