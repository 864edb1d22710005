/** The verdict in one sentence with its interval, and what belongs to it. */
function drawVerdict(place, report) {
  const said = report.sections.verdict;
  put(place,
    el("p", { class: `outcome ${said.outcome.replace(" ", "-")}` }, said.headline),
    el("p", { class: "lead" }, said.sentence),
    said.more.map((sentence) => el("p", {}, sentence)),
    said.score && said.score.split !== "test" ? el("p", {}, verdictScore(said.score)) : null);
}

/** What is known of a champion that was not tested. */
function verdictScore(score) {
  return score.split === "expected"
    ? `Expected on other items: ${words.interval(score)}, by the ${words.count(score.items)} items that it was chosen by. In brackets: the 95% interval.`
    : `Accuracy on the ${words.count(score.items)} selection items, which it was chosen by: ${words.interval(score)}. In brackets: the 95% interval.`;
}
