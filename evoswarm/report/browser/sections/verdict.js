const OUTCOMES = { "adds value": "Mixing adds value", "no value": "No value", undecided: "Undecided", refused: "Not certified", none: "Not certified" };

/** The verdict in one sentence with its interval. */
function drawVerdict(place, report) {
  const said = report.sections.verdict;
  place.append(
    el("p", { class: `outcome ${said.outcome.replace(" ", "-")}` }, OUTCOMES[said.outcome] ?? said.outcome),
    el("p", { class: "lead" }, said.sentence),
    said.searching ? el("p", {}, said.searching) : null,
    said.score ? el("p", {}, `Accuracy on ${words.count(said.score.items)} test items: ${words.interval(said.score)}, 95% interval.`) : null);
}
