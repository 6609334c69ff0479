"use strict";
// Draws the charts from the page's data, and redraws them when the theme changes.
(() => {
  const root = document.documentElement;
  const { specs, sets } = JSON.parse(document.getElementById("data").textContent);
  const button = document.getElementById("theme");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Map();

  const config = () => {
    const style = getComputedStyle(root);
    const ink = style.getPropertyValue("--ink").trim();
    const line = style.getPropertyValue("--line").trim();
    return {
      background: "transparent",
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
      if (part && part.data && part.data.name) datasets[part.data.name] = sets[part.data.name];
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
    for (const place of document.querySelectorAll(".chart")) {
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

  button.addEventListener("click", () => setTheme(root.dataset.theme !== "dark"));
  system.addEventListener("change", (event) => setTheme(event.matches));
  for (const choice of document.querySelectorAll("input[name=heat]")) {
    choice.addEventListener("change", () => {
      for (const part of document.querySelectorAll("[data-heat]")) {
        part.hidden = part.dataset.heat !== choice.value;
      }
      drawShown();
    });
  }
  setTheme(system.matches);
})();
