// Moves the mark of each curve; every figure is a cell of the table below it.
for (const box of document.querySelectorAll(".explorer")) {
  const rows = [...box.querySelectorAll("tbody tr")];
  const slide = box.querySelector("input");
  const mark = box.querySelector(".cursor");
  const dot = box.querySelector(".cursor-dot");
  const policy = rows.find((row) => row.classList.contains("now"));
  const show = () => {
    const row = rows[slide.value];
    for (const cell of row.cells) {
      for (const place of box.querySelectorAll(`[data-shows="${cell.dataset.is}"]`)) {
        place.textContent = cell.textContent;
      }
    }
    mark.setAttribute("transform", `translate(${row.dataset.x} 0)`);
    dot.setAttribute("cy", row.dataset.y);
    slide.setAttribute("aria-valuetext", row.cells[0].textContent);
    for (const other of rows) other.classList.toggle("chosen", other === row);
    const change = policy ? row.dataset.n - policy.dataset.n : 0;
    for (const place of box.querySelectorAll("[data-change]")) {
      place.textContent = change > 0 ? `+${change}` : change < 0 ? `−${-change}` : "±0";
    }
  };
  slide.addEventListener("input", show);
  box.querySelector(".slide").hidden = false;
  box.querySelector("details").open = false;
  show();
}

// Shows the examples that hold what is looked for, and the codes that have any.
const find = document.getElementById("find");
if (find) {
  const of = (name) => document.getElementById(`find-${name}`);
  const folded = (text) => text.normalize("NFKC").toLowerCase();
  const codes = [...document.querySelectorAll("#findings article.code")].map((box) => ({
    box,
    more: box.querySelector("details.more"),
    examples: [...box.querySelectorAll(".example")].map((example) => ({
      example,
      text: folded(example.textContent),
      score: Number(example.dataset.score),
    })),
  }));
  const look = () => {
    const words = folded(of("text").value).split(/\s+/).filter(Boolean);
    const [family, then] = [of("family").value, of("then").value];
    const least = Number(of("score").value) || 0;
    const asks = words.length > 0 || least > 0;
    let found = 0;
    for (const code of codes) {
      const fits = code.box.id.startsWith(family)
        && (!then || code.box.querySelector(`.rules .tag-${then}`));
      let shown = 0;
      for (const { example, text, score } of code.examples) {
        const hit = score >= least && words.every((word) => text.includes(word));
        example.hidden = !hit;
        shown += hit;
      }
      code.box.hidden = !fits || (asks && shown === 0);
      if (code.more) code.more.open = asks;
      if (!code.box.hidden) found += shown;
    }
    document.getElementById("found").textContent = asks || family || then ? String(found) : "";
  };
  for (const kind of ["input", "change"]) find.addEventListener(kind, look);
  find.hidden = false;
}
