"use strict";
// Sorting and filtering. Everything can be read without this script; it only adds.
(() => {
  const inSwedish = new Intl.Collator("sv", { numeric: true });
  const clean = (text) => text.replace(/\s+/g, " ").trim();

  // --- Sorting: a table of class `sorterbar`; a cell's `data-varde` is its number where it has one ---
  const keyOf = (row, index) => {
    const cell = row.cells[index];
    const number = cell?.dataset.varde;
    return number === undefined ? clean(cell?.textContent ?? "") : number === "" ? NaN : Number(number);
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") {
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
      return a - b;
    }
    return inSwedish.compare(String(a), String(b));
  };
  for (const table of document.querySelectorAll("table.sorterbar")) {
    const said = document.createElement("p");
    said.className = "dolt";
    said.setAttribute("role", "status");
    table.parentElement.after(said);
    const headers = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    for (const header of headers) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => {
        const falling = header.getAttribute("aria-sort") === "ascending";
        for (const body of table.tBodies) {
          const keyed = [...body.rows].map((row) => [keyOf(row, header.cellIndex), row]);
          const empty = keyed.filter(([key]) => Number.isNaN(key));
          const rest = keyed.filter(([key]) => !Number.isNaN(key)).sort(([a], [b]) => (falling ? compare(b, a) : compare(a, b)));
          body.append(...[...rest, ...empty].map(([, row]) => row));
        }
        for (const other of headers) other.removeAttribute("aria-sort");
        header.setAttribute("aria-sort", falling ? "descending" : "ascending");
        said.textContent = `Sorterad efter ${clean(button.textContent)}, ${falling ? "fallande" : "stigande"}.`;
      });
    }
  }

  // --- Filters of the overview: rows by text, perspective, goal and status; columns by verksamhet ---
  for (const form of document.querySelectorAll("form[data-filtrerar]")) {
    const table = document.getElementById(form.dataset.filtrerar);
    const said = form.querySelector("[role=status]");
    const chosen = (name) => form.elements[name]?.value ?? "";
    const rowsOf = (body) => [...body.rows].filter((row) => !row.classList.contains("grupp"));
    const apply = () => {
      const words = chosen("sok").toLocaleLowerCase("sv").split(/\s+/).filter(Boolean);
      const [perspective, goal, place, status] = ["perspektiv", "mal", "verksamhet", "status"].map(chosen);
      let shown = 0;
      let all = 0;
      for (const body of table.tBodies) {
        const wanted = (!perspective || body.dataset.perspektiv === perspective) && (!goal || body.dataset.mal === goal);
        let any = false;
        for (const row of rowsOf(body)) {
          const cells = [...row.cells].slice(1);
          const at = cells.filter((cell) => (place ? cell.dataset.v === place : true));
          const applies = !place || at.some((cell) => cell.dataset.status !== "ej_tillamplig");
          const stands = !status || at.some((cell) => cell.dataset.status === status);
          const text = row.cells[0].textContent.toLocaleLowerCase("sv");
          const visible = wanted && applies && stands && words.every((word) => text.includes(word));
          row.hidden = !visible;
          all += 1;
          shown += visible ? 1 : 0;
          any ||= visible;
        }
        body.hidden = !any;
      }
      for (const cell of table.querySelectorAll("[data-v]")) cell.hidden = place !== "" && cell.dataset.v !== place;
      const filtered = words.length || perspective || goal || place || status;
      said.textContent = filtered ? `Visar ${shown} av ${all} indikatorer.` : "";
    };
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(apply));
    apply(); // a browser that comes back to the page keeps what was chosen
  }

  // --- A menu that is open closes on Escape and when what has focus is elsewhere ---
  for (const menu of document.querySelectorAll(".undermeny")) {
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && menu.open) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    });
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
    });
  }
})();
