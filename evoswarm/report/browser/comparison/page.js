/** The page of several runs, from top to bottom. */
const COMPARISON = [
  { id: "verdicts", title: "What won", draw: drawVerdicts },
  { id: "champions", title: "The champions", draw: drawChampions },
  { id: "costs", title: "Accuracy against cost", draw: drawComparedCosts },
  { id: "courses", title: "How they got there", draw: drawCourses },
  { id: "settings", title: "In what they differ", draw: drawVarying },
  { id: "commands", title: "Go on from here", draw: drawComparedCommands },
];

/** Draws several runs of one space side by side. */
function drawComparison(data) {
  const [first] = data.runs;
  drawPage(`${data.runs.length} runs of ${first.space}`, `${data.runs.map((run) => run.name).join(", ")}; evoswarm ${data.evoswarm}.`,
    COMPARISON.map((section) => ({ ...section, draw: (place) => section.draw(place, data) })), null);
}
