// A page may be read long after it was made: the age is that of now.
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
}
