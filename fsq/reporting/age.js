// A page may be read long after it was made: its ages are those of now, and so is its verdict.
function tellAge() {
  const count = (n, unit) => `${n.toLocaleString("en")} ${unit}${n === 1 ? "" : "s"}`;
  for (const time of document.querySelectorAll("time[data-ended]")) {
    const minutes = Math.floor((Date.now() - new Date(time.dataset.ended)) / 60000);
    if (minutes < 0) continue;
    const amounts = [[Math.floor(minutes / 1440), "day"], [Math.floor(minutes / 60) % 24, "hour"],
                     [minutes % 60, "minute"]];
    const first = Math.max(amounts.findIndex(([n]) => n), 0);
    const parts = amounts.slice(first, first + 2).filter(([n]) => n);
    time.textContent = `ended ${parts.map(([n, unit]) => count(n, unit)).join(" ") || "0 minutes"} ago`;
  }
  for (const note of document.querySelectorAll("[data-due]")) {
    if (Date.now() >= new Date(note.dataset.due)) turn(note);
  }
}
// Says that a newer date did not come in time; where somebody said how old a store may be, all
// that has the verdict's tone turns red, and in a list of stores it comes first.
function turn(note) {
  const { then, sign, due } = note.dataset;
  const place = note.closest("article") || note.parentElement;
  const badge = document.createElement("span");
  badge.className = `badge ${then}`;
  badge.textContent = `${sign} out of date`;
  const when = due.slice(0, 16).replace("T", " ");
  note.replaceChildren(badge, ` A newer date was due by ${when} UTC. The job that fills the store ` +
    "did not run, or this page was not made again.");
  note.className = "late";
  note.removeAttribute("data-due");
  place.querySelector("[data-calm]")?.remove();
  if (then !== "red") return;
  for (const part of [place, ...place.querySelectorAll("[data-tone]")]) {
    if (part.dataset.tone) part.classList.replace(part.dataset.tone, then);
    for (const mark of part.querySelectorAll("[data-mark]")) mark.textContent = sign;
    for (const word of part.querySelectorAll("[data-word]")) word.textContent = then;
  }
  if (place.matches("article")) place.parentElement.prepend(place);
}
