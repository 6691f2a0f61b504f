"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, text = "", properties = {}) => Object.assign(document.createElement(tag), { textContent: text, ...properties });
  const number = (text) => { const value = parseFloat(text); return Number.isNaN(value) ? null : value; };
  for (const element of all(".js")) element.hidden = false;

  // Tables: sorted by a heading, filtered by words, a page of rows at a time.
  for (const box of all(".sheet")) {
    const table = data.tables[box.dataset.table];
    const shown = table.columns.map((column) => column[2]);
    const facts = table.rows.map((row) => row.map((cell, i) => ` ${table.columns[i][0]}=${cell} `.toLowerCase()).join(""));
    let rows = table.rows.map((_, i) => i), sorted = null, down = false, page = 0;

    const wanted = (word) => {
      const [, name, sign, limit] = /^([^<>]+)([<>])(.+)$/.exec(word) ?? [];
      const column = table.columns.findIndex(([label]) => label.toLowerCase() === name);
      if (column >= 0) return (i) => {
        const value = number(table.rows[i][column]);
        return value !== null && (sign === "<" ? value < Number(limit) : value > Number(limit));
      };
      return (i) => facts[i].includes(word.includes("=") ? ` ${word} ` : word);
    };
    const filter = (text) => {
      const tests = text.toLowerCase().split(/\s+/).filter(Boolean).map(wanted);
      rows = table.rows.map((_, i) => i).filter((i) => tests.every((test) => test(i)));
      page = 0;
      sort();
    };
    const sort = () => {
      if (sorted === null) return draw();
      const cells = table.rows.map((row) => (table.columns[sorted][1] ? number(row[sorted]) : row[sorted]));
      const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
      const empty = (cell) => cell === null || cell === "";
      rows.sort((i, j) => empty(cells[i]) - empty(cells[j]) || (empty(cells[i]) ? 0 : compare(cells[i], cells[j]) * (down ? -1 : 1)) || i - j);
      draw();
    };
    const draw = () => {
      const columns = table.columns.map((_, i) => i).filter((i) => shown[i]);
      const head = make("tr");
      for (const i of columns) {
        const cell = make("th", "", { scope: "col", className: table.columns[i][1] ? "number" : "" });
        const mark = i === sorted ? (down ? " ▼" : " ▲") : "";
        if (mark) cell.setAttribute("aria-sort", down ? "descending" : "ascending");
        cell.append(make("button", table.columns[i][0] + mark, { type: "button", onclick: () => { down = i === sorted && !down; sorted = i; page = 0; sort(); } }));
        head.append(cell);
      }
      const body = rows.slice(page * data.rows, (page + 1) * data.rows).map((row) => {
        const line = make("tr");
        for (const i of columns) line.append(make("td", table.rows[row][i], { className: table.columns[i][1] ? "number" : "" }));
        if (table.links[row]) {
          const anchor = make("a", line.firstChild.textContent, { href: table.links[row] });
          line.firstChild.replaceChildren(anchor);
        }
        line.firstChild.title = line.firstChild.textContent;
        return line;
      });
      box.querySelector("thead").replaceChildren(head);
      box.querySelector("tbody").replaceChildren(...body);
      const last = Math.min(rows.length, (page + 1) * data.rows);
      where.textContent = rows.length ? `${page * data.rows + 1}–${last} of ${rows.length}` : "none";
      back.disabled = page === 0;
      on.disabled = last >= rows.length;
      back.hidden = on.hidden = rows.length <= data.rows;
    };

    const where = make("span");
    const back = make("button", "Back", { type: "button", onclick: () => { page -= 1; draw(); } });
    const on = make("button", "Next", { type: "button", onclick: () => { page += 1; draw(); } });
    const example = table.columns.find((column) => column[1])?.[0] ?? "name";
    const field = make("input", "", { type: "search", placeholder: `Filter, such as ${example}=2 ${data.example}<100 done` });
    field.setAttribute("aria-label", "Filter rows");
    field.oninput = () => filter(field.value);
    const choices = make("div", "", { className: "choices" });
    table.columns.forEach(([name], i) => {
      const box = make("input", "", { type: "checkbox", checked: shown[i], onchange: () => { shown[i] = box.checked; draw(); } });
      const label = make("label");
      label.append(box, ` ${name}`);
      choices.append(label);
    });
    const more = make("details");
    more.append(make("summary", "Columns"), choices);
    box.querySelector(".controls").append(field, where, back, on);
    box.querySelector(".controls").after(more);
    draw();
  }

  // The heat map shows the figure that is chosen.
  const figure = document.getElementById("figure");
  if (figure) figure.onchange = () => {
    const heat = data.heat[figure.value];
    document.getElementById("figure-name").textContent = figure.value;
    document.getElementById("low").textContent = heat.low;
    document.getElementById("high").textContent = heat.high;
    for (const cell of all("table.heat td[data-setting]")) {
      const [text, share] = heat.cells[cell.dataset.setting] ?? ["", null];
      cell.textContent = text;
      if (share === null) cell.removeAttribute("style"); else cell.style.setProperty("--share", share);
    }
  };

  // One view and one seed of the pictures at a time.
  const view = document.getElementById("view"), seed = document.getElementById("seed");
  const choose = () => {
    for (const part of all("[data-view]")) part.hidden = part.dataset.view !== view.value;
    if (seed) for (const one of all("[data-seed]")) one.hidden = seed.value !== "" && one.dataset.seed !== seed.value;
  };
  if (view) { view.onchange = choose; if (seed) seed.onchange = choose; choose(); }

  // A point of the plane shows the samples of its runs; pressed, it stays.
  const card = document.getElementById("card");
  let kept = null;
  const close = () => { card.hidden = true; kept?.classList.remove("on"); kept = null; };
  const show = (point) => {
    card.querySelector("p").textContent = point.getAttribute("aria-label");
    const pictures = all(`[data-view="samples"] img[data-setting="${point.dataset.setting}"]`).slice(0, 3);
    card.querySelector("div").replaceChildren(...pictures.map((picture) => {
      const copy = make("figure");
      copy.append(make("img", "", { src: picture.src, alt: picture.alt }), make("figcaption", picture.closest("figure").dataset.seed));
      return copy;
    }));
    card.hidden = false;
    const at = point.getBoundingClientRect(), size = card.getBoundingClientRect();
    const top = at.bottom + 10 + size.height < innerHeight ? at.bottom + 10 : at.top - 10 - size.height;
    card.style.left = `${Math.max(8, Math.min(at.left + at.width / 2 - size.width / 2, innerWidth - size.width - 8))}px`;
    card.style.top = `${Math.max(8, Math.min(top, innerHeight - size.height - 8))}px`;
  };
  for (const point of all(".point")) {
    point.querySelector("title").remove(); // the card says it
    point.onmouseenter = point.onfocus = () => { if (!kept) show(point); };
    point.onmouseleave = point.onblur = () => { if (!kept) close(); };
    point.onclick = (event) => { const again = kept === point; close(); if (!again) { kept = point; point.classList.add("on"); show(point); } event.stopPropagation(); };
  }
  document.addEventListener("click", (event) => { if (!card.contains(event.target)) close(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
})();
