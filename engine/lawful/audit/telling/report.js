(() => {
  const search = document.getElementById("search");
  const rules = [...document.querySelectorAll("details.rule")].map((section) => ({
    section,
    wasOpen: section.open,
    rows: [...section.querySelectorAll("tr[data-finding]")],
  }));
  const folded = (text) => text.normalize("NFKC").toLowerCase();
  for (const rule of rules) {
    const own = folded(rule.section.querySelector("summary").textContent);
    rule.texts = rule.rows.map((row) => own + " " + folded(row.textContent));
  }
  const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, " ");

  // Shows the rows that hold every word, in any language, and opens their rules.
  const find = () => {
    const wanted = folded(search.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const rule of rules) {
      let found = 0;
      rule.rows.forEach((row, index) => {
        row.hidden = !wanted.every((word) => rule.texts[index].includes(word));
        found += row.hidden ? 0 : 1;
      });
      rule.section.hidden = wanted.length > 0 && found === 0;
      rule.section.open = wanted.length > 0 ? found > 0 : rule.wasOpen;
      shown += found;
    }
    document.getElementById("shown").textContent = grouped(shown);
    document.getElementById("nothing").hidden = shown > 0 || wanted.length === 0;
  };

  if (search) {
    search.addEventListener("input", find);
    if (search.value) {
      find(); // a browser that goes back keeps what was typed
    }
  }
})();
