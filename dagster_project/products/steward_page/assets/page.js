"use strict";
// Sorting and filtering. Everything can be read without this script; its state is the page itself.

const sorted = document.getElementById("sorterat");
const inSwedish = new Intl.Collator("sv", { numeric: true });
const formatted = new Intl.NumberFormat("sv");

function cellText(row, index) {
  return row.cells[index].textContent.trim();
}

function cellNumber(row, index) {
  const found = cellText(row, index).replace(/[\s\u00a0]/g, "").replace("−", "-").replace(",", ".").match(/^-?[\d.]+/);
  return found ? Number(found[0]) : -Infinity;
}

function sortBy(header) {
  const table = header.closest("table");
  const descending = header.getAttribute("aria-sort") === "ascending";
  const index = header.cellIndex;
  const compare =
    header.dataset.sort === "tal"
      ? (a, b) => cellNumber(a, index) - cellNumber(b, index)
      : (a, b) => inSwedish.compare(cellText(a, index), cellText(b, index));
  const rows = [...table.tBodies[0].rows].sort((a, b) => (descending ? compare(b, a) : compare(a, b)));
  table.tBodies[0].append(...rows);
  for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  sorted.textContent = `Sorterad efter ${header.textContent.trim()}, ${descending ? "fallande" : "stigande"}.`;
}

for (const header of document.querySelectorAll("table.sorterbar th[data-sort]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...header.childNodes);
  button.addEventListener("click", () => sortBy(header));
  header.append(button);
}

function filter(toolbar) {
  const scope = document.getElementById(toolbar.dataset.filter);
  const rows = [...scope.querySelectorAll("tbody tr")];
  const groups = [...scope.querySelectorAll("[data-grupp]")];
  const search = toolbar.querySelector("input[type=search]");
  const status = toolbar.querySelector("[role=status]");
  const texts = new Map();
  // A quarantined row with several reasons stands in several groups but is one row.
  const idOf = (row) => row.dataset.nr ?? row;
  const total = new Set(rows.map(idOf)).size;

  function textOf(row) {
    if (!texts.has(row)) {
      texts.set(row, (toolbar.dataset.text === "first" ? row.cells[0] : row).textContent.toLocaleLowerCase("sv"));
    }
    return texts.get(row);
  }

  function apply() {
    const wanted = search.value.trim().toLocaleLowerCase("sv");
    const source = toolbar.querySelector("select").value;
    const pressed = [...toolbar.querySelectorAll("[aria-pressed=true]")].map((b) => `data-${b.dataset.attribut}`);
    const shown = new Set();
    for (const row of rows) {
      const fits =
        (!source || row.dataset.kalla === source) &&
        pressed.every((name) => row.hasAttribute(name)) &&
        (!wanted || textOf(row).includes(wanted));
      row.hidden = !fits;
      if (fits) shown.add(idOf(row));
    }
    for (const group of groups) {
      const hits = group.querySelectorAll("tbody tr:not([hidden])").length;
      group.hidden = hits === 0;
      if (group.tagName !== "DETAILS") continue;
      group.querySelector(".traffar").textContent = wanted ? `${formatted.format(hits)} ${hits === 1 ? "träff" : "träffar"}` : "";
      // What a search opened is closed again when it ends; what the reader opened stays.
      if (wanted && hits && !group.open) {
        group.open = true;
        group.dataset.sokt = "";
      } else if (!wanted && "sokt" in group.dataset) {
        group.open = false;
        delete group.dataset.sokt;
      }
    }
    const noun = total === 1 ? scope.dataset.en : scope.dataset.flera;
    const text = `Visar ${formatted.format(shown.size)} av ${formatted.format(total)} ${noun}${scope.dataset.tillagg ?? ""}.`;
    // Said again only when it changed.
    if (status.textContent !== text) status.textContent = text;
  }

  search.addEventListener("input", apply);
  toolbar.querySelector("select").addEventListener("change", apply);
  for (const button of toolbar.querySelectorAll("[aria-pressed]")) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      apply();
    });
  }
  const openAll = toolbar.querySelector("[data-oppna]");
  if (openAll) {
    openAll.addEventListener("click", () => {
      const open = openAll.textContent === "Öppna alla";
      for (const group of groups) if (group.tagName === "DETAILS") group.open = open;
      openAll.textContent = open ? "Stäng alla" : "Öppna alla";
    });
  }
  toolbar.hidden = false;
  // A browser that comes back to the page may have kept what was typed and chosen.
  apply();
  window.addEventListener("pageshow", apply);
}

for (const toolbar of document.querySelectorAll("[data-filter]")) filter(toolbar);

// A line to copy: selected as well, so that it can be copied by hand where the browser does not let a page do it.
for (const text of document.querySelectorAll("[data-kopiera]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Kopiera";
  button.addEventListener("click", () => {
    getSelection().selectAllChildren(text);
    const said = (what) => { sorted.textContent = what; };
    const refused = () => said("Markerat: kopiera med Ctrl+C.");
    if (navigator.clipboard) navigator.clipboard.writeText(text.textContent).then(() => said("Kopierat."), refused);
    else refused();
    button.textContent = "Markerat och kopierat";
  });
  text.after(button);
}

// A link to a closed group opens it.
function openTarget() {
  const target = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
  if (target?.tagName === "DETAILS") {
    target.open = true;
    target.scrollIntoView();
  }
}
window.addEventListener("hashchange", openTarget);
openTarget();
