(() => {
  const search = document.getElementById("search");
  const folded = (text) => text.normalize("NFKC").toLowerCase();
  const entries = [...document.querySelectorAll("[data-find]")].map((entry) => ({
    entry,
    counts: !entry.closest(".matrix") && !entry.id.startsWith("source-"),
    text: folded(entry.textContent),
  }));
  const sections = [...document.querySelectorAll("main > section")];

  // Shows the entries that hold every word, in any language, and the sections that have one.
  const find = () => {
    const wanted = folded(search.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const each of entries) {
      each.entry.hidden = !wanted.every((word) => each.text.includes(word));
      shown += each.counts && !each.entry.hidden ? 1 : 0;
    }
    for (const part of [...document.querySelectorAll(".matrix"), ...sections]) {
      part.hidden = wanted.length > 0 && !part.querySelector("[data-find]:not([hidden])");
    }
    document.getElementById("shown").textContent = String(shown);
    document.getElementById("nothing").hidden = wanted.length === 0 || sections.some((each) => !each.hidden);
  };
  search.addEventListener("input", find);
  if (search.value) {
    find(); // a browser that goes back keeps what was typed
  }

  // A link to what the search has hidden ends the search.
  window.addEventListener("hashchange", () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("[hidden]")) {
      search.value = "";
      find();
      target.scrollIntoView();
    }
  });
})();
