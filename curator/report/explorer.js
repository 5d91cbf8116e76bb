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
