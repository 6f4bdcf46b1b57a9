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
