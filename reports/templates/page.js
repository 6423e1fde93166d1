// The script of HTML reports: filter, sorting, opening what a link leads to, the line that moves along while a clip plays.
// The page is complete without it.
"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const form = document.getElementById("filter");
  const text = form.elements.namedItem("text");
  const scenario = form.elements.namedItem("scenario");
  const boxes = all("input[name=verdict]", form);
  const shown = document.getElementById("shown");

  // What a cell is found by: what stands beside it, above it and in it, but for what it says of other firmware (`.also`).
  const words = (row, cell) => {
    const own = all(".also", cell).reduce((text, also) => text.replace(also.textContent, ""), cell.textContent);
    return [...all("th", row).map((head) => head.textContent), cell.closest("td").dataset.column, own].join(" ").toLowerCase();
  };

  // It is read once.
  const rows = all("section.scenario").map((section) => ({
    section,
    rows: all("tbody tr", section).map((row) => ({
      row,
      // A cell holds one point, or several that are chosen each for itself.
      cells: all("[data-verdict]", row).map((cell) => ({
        cell,
        words: words(row, cell),
      })),
    })),
  }));
  const details = all("details.combination").map((element) => ({
    element,
    text: all("summary, .facts", element).slice(0, 2).map((part) => part.textContent).join(" ").toLowerCase(),
  }));
  let cells = 0;
  for (const { rows: of } of rows) for (const row of of) cells += row.cells.length;

  const remember = () => {
    const query = new URLSearchParams();
    if (text.value) query.set("text", text.value);
    if (scenario.value) query.set("scenario", scenario.value);
    const off = boxes.filter((box) => !box.checked).map((box) => box.value);
    if (off.length) query.set("without", off.join(","));
    const hash = query.toString() ? "#?" + query : "#";
    try { history.replaceState(null, "", hash); } catch { /* A viewer without a history. */ }
  };

  const filter = () => {
    const typed = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let count = 0;
    for (const { section, rows: of } of rows) {
      let any = false;
      const here = !scenario.value || section.dataset.scenario === scenario.value;
      for (const { row, cells } of of) {
        let some = false;
        for (const { cell, words: said } of here ? cells : []) {
          const fits = cell.dataset.verdict.split(",").some((verdict) => wanted.has(verdict))
            && typed.every((word) => said.includes(word));
          cell.classList.toggle("dim", !fits);
          if (fits) { some = true; count += 1; }
        }
        row.hidden = !some;
        any ||= some;
      }
      section.hidden = !any;
    }
    for (const { element, text } of details) {
      element.hidden = !(wanted.has(element.dataset.verdict)
        && (!scenario.value || element.dataset.scenario === scenario.value)
        && typed.every((word) => text.includes(word)));
    }
    shown.textContent = count === cells ? `${cells} shown` : `${count} of ${cells} shown`;
  };

  const recall = () => {
    if (!location.hash.startsWith("#?")) return;
    const query = new URLSearchParams(location.hash.slice(2));
    text.value = query.get("text") ?? "";
    scenario.value = query.get("scenario") ?? "";
    if (scenario.selectedIndex < 0) scenario.value = "";
    const off = new Set((query.get("without") ?? "").split(","));
    for (const box of boxes) box.checked = !off.has(box.value);
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { filter(); remember(); });
  form.addEventListener("reset", () => setTimeout(() => { filter(); remember(); }));
  recall();
  filter();

  // Sorting: names by their letters and numbers, verdicts as people look for them; a second press turns it round.
  const order = new Intl.Collator(undefined, { numeric: true });
  const sort = (head, up) => {
    const place = head.cellIndex;
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = head.dataset.sort === "rank"
      ? (row) => row.cells[place]?.dataset.rank ?? "9"
      : (row) => row.cells[place]?.textContent ?? "";
    const body = head.closest("table").tBodies[0];
    const sorted = Array.from(body.rows).map((row) => [key(row), row]);
    sorted.sort((a, b) => order.compare(a[0], b[0]) * (up ? 1 : -1));
    body.append(...sorted.map(([, row]) => row));
  };
  for (const table of all("table.matrix")) {
    const heads = all("th[data-sort]", table);
    // On a narrow screen there are no heads of columns: what they do is chosen from a list.
    const label = document.createElement("label");
    const choice = document.createElement("select");
    label.className = "order";
    label.append("Sort by ", choice);
    choice.append(new Option("", ""));
    for (const [at, head] of heads.entries()) {
      for (const [up, sign] of [[true, "↑"], [false, "↓"]]) choice.append(new Option(`${head.textContent} ${sign}`, `${at},${up}`));
    }
    choice.addEventListener("change", () => {
      const [at, up] = choice.value.split(",");
      if (heads[at]) sort(heads[at], up === "true");
    });
    (table.closest(".scroll") ?? table).before(label);
    for (const head of heads) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.textContent = head.textContent;
      // On paper, where heads stand on each sheet, a button would stand on the first alone.
      head.dataset.title = head.textContent;
      head.textContent = "";
      head.append(button);
      button.addEventListener("click", () => sort(head, head.getAttribute("aria-sort") !== "ascending"));
    }
  }

  // A link leads into what is closed.
  const reveal = () => {
    if (location.hash.length < 2 || location.hash.startsWith("#?")) return;
    // Places have plain names; anything else was typed by somebody.
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") { at.open = true; at.hidden = false; }
    }
    target.scrollIntoView();
    if (target.matches(".body")) target.focus({ preventScroll: true });
  };
  addEventListener("hashchange", reveal);
  reveal();

  // Paper shows what the filter left, opened.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])").filter((element) => !element.closest("[hidden]"));
    for (const element of opened) element.open = true;
  });
  addEventListener("afterprint", () => { for (const element of opened) element.open = false; });

  for (const clip of all("p.clip")) {
    const audio = clip.querySelector("audio");
    const line = clip.parentElement.querySelector(".playhead");
    const [left, width, from, to, begin] = ["left", "width", "from", "to", "begin"].map((key) => Number(clip.dataset[key]));
    const move = () => {
      const x = ((begin + audio.currentTime - from) / (to - from)) * width;
      line.setAttribute("transform", `translate(${x.toFixed(1)} 0)`);
      line.classList.toggle("on", !audio.ended);
      if (!audio.paused) requestAnimationFrame(move);
    };
    audio.addEventListener("play", () => {
      for (const other of all("audio")) if (other !== audio) other.pause();
      move();
    });
    audio.addEventListener("seeked", move);
    audio.addEventListener("ended", move);
  }
})();
