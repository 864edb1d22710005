/** What the address of the page names behind its hash, such as `#lineage=g03-i1-02`. */

/** @returns {?string} what stands behind `#name=`; null where the address names something else. */
function addressed(name) {
  if (!location.hash.startsWith(`#${name}=`)) return null;
  const text = location.hash.slice(name.length + 2);
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % is no code
  }
}

/** Lets the address name something, without a step in the history. */
function setAddress(name, text) {
  try {
    history.replaceState(null, "", `#${name}=${encodeURIComponent(text)}`);
  } catch {
    // a page within another may not change its address
  }
}

/** Calls back with what the address names, once the page is there and whenever that changes. */
function followAddress(name, named) {
  const follow = () => {
    const text = addressed(name);
    if (text !== null) named(text);
  };
  addEventListener("hashchange", follow);
  requestAnimationFrame(follow);
}
