// Reads the curves: the pointer, or the arrow keys on a chart, choose a frame; all charts show it.
(() => {
  const data = JSON.parse(document.getElementById("values").textContent);
  const charts = [...document.querySelectorAll("svg.chart")];
  let frame = 0;

  const number = (value) => (value === null ? "" : Number(value.toPrecision(3)).toString());

  function show(next) {
    frame = Math.min(Math.max(next, 1), data.frames);
    for (const chart of charts) {
      const cursor = chart.querySelector(".cursor");
      const at = Number(chart.dataset.left) + (frame - 1) * Number(chart.dataset.across);
      cursor.setAttribute("x1", at);
      cursor.setAttribute("x2", at);
      cursor.setAttribute("visibility", "visible");
      const output = chart.parentElement.querySelector("output");
      const values = data.charts[chart.dataset.chart];
      output.replaceChildren(`frame ${frame}`);
      for (const [row, name] of data.rows.entries()) {
        const value = values[row] ? values[row][frame - 1] : null;
        const box = document.getElementById(`show-${row}`);
        if (value === null || value === undefined || !box.checked) continue;
        const item = document.createElement("span");
        item.className = `value r${row}`;
        // As text: a name is never markup.
        item.textContent = `${name} ${number(value)}`;
        output.append(item);
      }
    }
  }

  for (const chart of charts) {
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
      show(Math.round((x - Number(chart.dataset.left)) / Number(chart.dataset.across)) + 1);
    });
    // Only the chart in use is read aloud, not all that follow it.
    const output = chart.parentElement.querySelector("output");
    chart.addEventListener("focus", () => output.setAttribute("aria-live", "polite"));
    chart.addEventListener("blur", () => output.setAttribute("aria-live", "off"));
    chart.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
      if (step !== undefined) show(frame + step);
      else if (event.key === "Home") show(1);
      else if (event.key === "End") show(data.frames);
      else return;
      event.preventDefault();
    });
  }
  for (const box of document.querySelectorAll(".legend input")) {
    box.addEventListener("change", () => frame && show(frame));
  }
})();
