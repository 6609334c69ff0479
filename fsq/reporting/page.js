"use strict";
// Draws the charts from the page's data; filters findings by severity, words and date.
(() => {
  const root = document.documentElement;
  const { specs, sets, days } = JSON.parse(document.getElementById("data").textContent);
  const button = document.getElementById("theme");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Map();
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Data is kept by column; Vega wants rows.
  const toRows = (columns) => {
    const names = Object.keys(columns);
    return columns[names[0]].map((_, i) => Object.fromEntries(names.map((n) => [n, columns[n][i]])));
  };

  const config = () => {
    const style = getComputedStyle(root);
    const [ink, line] = ["--ink", "--line"].map((n) => style.getPropertyValue(n).trim());
    return {
      background: "transparent",
      // A chart is one picture with one name, whose figures are in tables: its parts have none.
      aria: false,
      mark: { aria: false },
      font: "system-ui, sans-serif",
      view: { stroke: null },
      axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: line, tickColor: line,
              labelFontSize: 11, titleFontSize: 12, titleFontWeight: "normal" },
      legend: { labelColor: ink, titleColor: ink, labelFontSize: 12, symbolStrokeWidth: 3 },
    };
  };

  const draw = async (place) => {
    const spec = specs[place.dataset.chart];
    const datasets = {};
    const visit = (part) => {
      const name = part && part.data && part.data.name;
      if (name) datasets[name] ??= toRows(sets[name]);
      for (const inner of (part && part.layer) || []) visit(inner);
    };
    visit(spec);
    drawn.get(place)?.finalize();
    drawn.set(place, await vegaEmbed(place, { ...spec, datasets }, {
      mode: "vega-lite", actions: false, renderer: "svg", ast: true, config: config(),
      tooltip: { theme: root.dataset.theme },
    }));
    const svg = place.querySelector("svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", place.dataset.label);
    place.dataset.done = root.dataset.theme;
  };

  const drawShown = async () => {
    for (const place of all(".chart")) {
      if (place.closest("[hidden]") || place.dataset.done === root.dataset.theme) continue;
      await draw(place);
    }
    root.dataset.ready = "yes";
  };

  const setTheme = (dark) => {
    root.dataset.theme = dark ? "dark" : "light";
    button.setAttribute("aria-pressed", String(dark));
    return drawShown();
  };

  const watchTheme = () => {
    button.addEventListener("click", () => setTheme(root.dataset.theme !== "dark"));
    system.addEventListener("change", (event) => setTheme(event.matches));
  };

  const watchHeat = () => {
    for (const choice of all("input[name=heat]")) {
      choice.addEventListener("change", () => {
        for (const part of all("[data-heat]")) part.hidden = part.dataset.heat !== choice.value;
        drawShown();
      });
    }
  };

  // The findings that are shown: of a severity, with a word, on the date of the address.
  const findings = all(".finding");
  const words = document.getElementById("words");
  const found = document.getElementById("found");
  const every = document.getElementById("every-date");
  const day = document.getElementById("day");
  const hint = day.textContent;
  const getDate = () => (/^#(\d{4}-\d{2}-\d{2})$/.exec(location.hash) || [])[1];
  const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

  const filter = () => {
    if (!findings.length) return;
    const severities = new Set(all("input[name=severity]:checked").map((box) => box.value));
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const date = getDate();
    let shown = 0;
    for (const one of findings) {
      const text = one.textContent.toLowerCase();
      const fits = severities.has(one.dataset.severity) && wanted.every((w) => text.includes(w))
        && (!date || one.dataset.dates.split(" ").includes(date));
      one.hidden = !fits;
      shown += fits;
    }
    found.textContent = shown === findings.length
      ? count(shown, "finding") : `${shown} of ${count(findings.length, "finding")}`;
    every.hidden = !date;
    every.querySelector("span").textContent = date || "";
  };

  const showDay = () => {
    const date = getDate();
    for (const cell of all(".cell[aria-current]")) cell.removeAttribute("aria-current");
    const cell = date && document.getElementById(date);
    const at = days.date.indexOf(date);
    if (cell) cell.setAttribute("aria-current", "date");
    if (at < 0) day.textContent = cell ? cell.title : hint;
    else {
      day.textContent = `${cell.title} · ${count(days.rows[at], "row")} · quality ${days.quality[at]}`
        + ` · ${days.default[at]} % default · ${count(days.red[at], "red record")}`
        + ` · ${count(days.ready[at] ?? 0, "record")} ready to train`;
    }
    filter();
  };

  const watchFindings = () => {
    window.addEventListener("hashchange", () => {
      // A link to a finding shows it, whatever was filtered.
      const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
      if (target && target.classList.contains("finding")) resetFilter();
      showDay();
      if (target && target.classList.contains("finding")) target.scrollIntoView();
    });
    for (const box of all("input[name=severity]")) box.addEventListener("change", filter);
    if (!words) return;
    words.addEventListener("input", filter);
    words.form.addEventListener("submit", (event) => event.preventDefault());
    every.addEventListener("click", () => {
      history.pushState(null, "", location.pathname + location.search);
      showDay();
      words.focus();
    });
  };

  const resetFilter = () => {
    for (const box of all("input[name=severity]")) box.checked = true;
    words.value = "";
  };

  // One stop for the tabulator key, arrows from there on.
  const watchStrip = () => {
    const cells = all("a.cell");
    const go = (cell) => {
      for (const other of cells) other.tabIndex = -1;
      cell.tabIndex = 0;
    };
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7, Home: -1e9, End: 1e9 };
    document.getElementById("strip").addEventListener("keydown", (event) => {
      const step = steps[event.key];
      const at = cells.indexOf(event.target);
      if (step === undefined || at < 0) return;
      event.preventDefault();
      const next = cells[Math.min(Math.max(at + step, 0), cells.length - 1)];
      go(next);
      next.focus();
    });
    go(document.getElementById(getDate() || "") || cells[cells.length - 1]);
    const strip = document.getElementById("strip");
    strip.scrollTop = strip.scrollHeight;
  };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      if (!done) throw new Error("copying is not allowed");
    }
  };

  const watchCopies = () => {
    for (const one of all("button.copy")) {
      one.addEventListener("click", async () => {
        const text = one.parentElement.querySelector("pre").textContent;
        let said = "Copied";
        try { await copy(text); } catch { said = "Select it"; }
        one.textContent = said;
        setTimeout(() => { one.textContent = "Copy"; }, 2000);
        one.focus();
      });
    }
  };

  watchTheme();
  watchHeat();
  watchFindings();
  watchStrip();
  watchCopies();
  tellAge();
  setInterval(tellAge, 60_000);
  showDay();
  setTheme(system.matches).then(() => {
    // Charts have pushed down what the address names.
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  });
})();
