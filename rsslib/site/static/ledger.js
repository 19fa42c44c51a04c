/* Filters of the ledger: paper, verdict, words. */
(function () {
  "use strict";
  const rows = [...document.querySelectorAll("#ledger tbody tr")];
  const [paper, verdict, words] = ["paper", "verdict", "words"].map((name) => document.getElementById("ledger-" + name));
  const texts = rows.map((row) => row.textContent.toLowerCase());
  function filter() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, place) => {
      const fits = (!paper.value || row.cells[0].textContent === paper.value) &&
        (!verdict.value || row.dataset.verdict === verdict.value) && wanted.every((word) => texts[place].includes(word));
      row.hidden = !fits;
      shown += fits;
    });
    document.getElementById("ledger-count").textContent = `${shown} of ${rows.length} claims`;
  }
  for (const control of [paper, verdict, words]) control.addEventListener("input", filter);
  filter();
})();
