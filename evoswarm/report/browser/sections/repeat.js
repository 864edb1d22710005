/** All that it takes to repeat the search. */
function drawRepeat(place, report) {
  const said = report.sections.repeat;
  put(place,
    el("p", {}, "The same space and seed on the same machine, with the same members, give the same individuals. Paths below are seen from the folder that the run directory is in."),
    said.commands.map(([words_, command]) => copied(words_, command)),
    el("dl", { class: "facts" }, said.facts.map(([name, value]) => [el("dt", {}, name), el("dd", { class: "mono" }, value)])),
    el("h3", {}, "The members"), repeatMembers(said.members),
    el("h3", {}, "The space, with all its defaults"), copied("space.yaml", said.space, "long"),
    el("h3", {}, "The files of the run"), table(["file", "what it is"], said.files.map(([name, meaning]) => [el("code", {}, name), meaning])));
}

function repeatMembers(members) {
  const rows = members.map((one, number) => [
    memberMark(one.name, number), el("code", {}, one.path, one.revision ? `@${one.revision}` : ""), one.dtype, one.chat_template ? "yes" : "no",
    one.fingerprint ? el("code", { title: one.fingerprint }, one.fingerprint.slice(0, 12)) : "–"]);
  return [table(["member", "where", "dtype", "chat template", "fingerprint"], rows, "The pool"),
    el("p", { class: "faint" }, "A fingerprint is of a member's weights, tokenizer and template; its first 12 digits are shown, and policies refuse members of another.")];
}

/**
 * A text to take along, with a button that copies it.
 * @param {string} label
 * @param {string} text
 * @param {string} look `long` scrolls within its own place
 */
function copied(label, text, look = "") {
  const shown = el("pre", { class: look, tabindex: look ? "0" : null, role: look ? "region" : null, "aria-label": look ? label : null }, text);
  const told = el("span", { class: "faint small", role: "status" });
  const copy = async () => {
    told.textContent = (await toClipboard(text, shown)) ? "copied" : "selected: copy it with Ctrl+C";
    setTimeout(() => { told.textContent = ""; }, 4000);
  };
  return el("div", { class: "copied" }, el("div", {}, el("span", { class: "faint" }, label), " ", el("button", { type: "button", click: copy, "aria-label": `Copy: ${label}` }, "Copy"), " ", told), shown);
}

/** Whether a text went to the clipboard; within frames a page may not do that, and then it stands selected. */
async function toClipboard(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const selection = getSelection();
    selection.selectAllChildren(shown);
    return document.execCommand("copy");
  }
}
