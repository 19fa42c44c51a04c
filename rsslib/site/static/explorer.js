/* The explorer: one measured sample of a data separation, its readings, images, places, regions and confidence.
   Plain scripts and data in scripts, so that it works from a disk (file://), too. Deep links: explorer.html#grid2/1484, or #grid2/worst, the first in an order. */
(function () {
  "use strict";
  const root = document.getElementById("explorer");
  if (!root) return;
  const started = performance.now();
  const $ = (name) => root.querySelector("#ex-" + name);
  const NS = "http://www.w3.org/2000/svg";
  const TYPES = { f: Float32Array, i: Int32Array, u: Uint16Array, b: Uint8Array };
  const HEAT = [[245, 248, 250], [207, 225, 238], [127, 176, 211], [43, 108, 163], [11, 47, 87]];
  const LEVEL = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const SPREAD = [[252, 253, 191], [254, 159, 109], [222, 73, 104], [140, 41, 129], [0, 0, 4]];
  let split = null, data = null, at = 0, order = [], asked = "";

  function array(text, type) {
    const raw = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new TYPES[type](raw.buffer);
  }

  function node(name, attributes, parent, text) {
    const made = document.createElementNS(NS, name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    if (parent) parent.appendChild(made);
    return made;
  }

  function colour(stops, share) {
    const place = Math.max(0, Math.min(1, share)) * (stops.length - 1);
    const below = Math.min(Math.floor(place), stops.length - 2), part = place - below;
    return stops[below].map((value, axis) => Math.round(value + part * (stops[below + 1][axis] - value)));
  }

  /* Decode a separation once; numbers below are pixels: column, and row from the south. */
  function decoded(raw) {
    if (raw.ready) return raw;
    const s = raw.samples;
    s.true = s.true.map((one) => array(one, "f"));
    s.at = s.at.map((one) => array(one, "f"));
    [s.first, s.sensor, s.rss] = [array(s.first, "i"), array(s.sensor, "b"), array(s.rss, "f")];
    for (const method of Object.values(raw.methods)) {
      method.hat = method.hat.map((one) => array(one, "f"));
      method.error = array(method.error, "f");
      method.sure = array(method.sure, "f");
      method.image = [array(method.image[0], "i"), array(method.image[1], "u"), array(method.image[2], "b")];
    }
    for (const region of raw.regions) {
      region.start = array(region.start, "i");
      region.runs = array(region.runs, "u");
    }
    for (const receiver of raw.receivers)
      for (const part of ["mean", "std"]) receiver[part].bytes = array(receiver[part].bytes, "b");
    raw.ready = true;
    return raw;
  }

  function load(name, then) {
    const known = (window.rsslibExplorer || {})[name];
    if (known) return then(decoded(known));
    const script = document.createElement("script");
    script.src = root.dataset.folder + name + ".js";
    script.onload = () => { if (asked === name) then(decoded(window.rsslibExplorer[name])); };
    script.onerror = () => {
      $("caption").textContent = "This site was built without the measurements: the explorer is empty.";
      for (const control of root.querySelectorAll("select, input, button")) control.disabled = true;
    };
    document.head.appendChild(script);
  }

  const x = (column) => column + 0.5, y = (row) => data.grid.height - 0.5 - row;

  function paint() {
    const { width, height } = data.grid, canvas = $("heat"), shown = $("image").value;
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d"), pixels = context.createImageData(width, height);
    const set = (pixel, rgb) => {
      const place = 4 * ((height - 1 - Math.floor(pixel / width)) * width + (pixel % width));
      [pixels.data[place], pixels.data[place + 1], pixels.data[place + 2], pixels.data[place + 3]] = [...rgb, 255];
    };
    const receiver = data.receivers[$("receiver").selectedIndex];
    if (shown === "mean" || shown === "std")
      receiver[shown].bytes.forEach((value, pixel) => set(pixel, colour(shown === "mean" ? LEVEL : SPREAD, value / 255)));
    else if (data.methods[shown]) {
      const [start, pixel, value] = data.methods[shown].image;
      for (let entry = start[at]; entry < start[at + 1]; entry++)
        set(pixel[entry], colour(HEAT, Math.sqrt(value[entry] / 255)));
    }
    context.putImageData(pixels, 0, 0);
    $("scale").textContent = shown === "mean" || shown === "std" ? receiver.name + ": " +
      receiver[shown].low.toFixed(0) + " dB (" + (shown === "mean" ? "violet" : "pale") + ") to " +
      receiver[shown].high.toFixed(0) + " dB (" + (shown === "mean" ? "yellow" : "black") + "). " :
      data.methods[shown] ? "Darker blue: more probable (square root of the image, its strongest 500 pixels). " : "";
  }

  /* The outline of a region: the edges between pixels inside and outside of its runs. */
  function outline(region) {
    const { width, height } = data.grid, inside = new Uint8Array(width * height + 1);
    for (let run = region.start[at]; run < region.start[at + 1]; run++)
      inside.fill(1, region.runs[2 * run], region.runs[2 * run + 1]);
    let path = "";
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        const here = row * width + column;
        if (!inside[here]) continue;
        const top = height - 1 - row;
        if (!column || !inside[here - 1]) path += `M${column} ${top}v1`;
        if (column === width - 1 || !inside[here + 1]) path += `M${column + 1} ${top}v1`;
        if (row === height - 1 || !inside[here + width]) path += `M${column} ${top}h1`;
        if (!row || !inside[here - width]) path += `M${column} ${top + 1}h1`;
      }
    return path;
  }

  function star(cx, cy, r) {
    const tips = [];
    for (let tip = 0; tip < 10; tip++) {
      const angle = Math.PI * (tip / 5 - 0.5), far = tip % 2 ? 0.42 * r : r;
      tips.push((cx + far * Math.cos(angle)).toFixed(2) + "," + (cy + far * Math.sin(angle)).toFixed(2));
    }
    return tips.join(" ");
  }

  function overlay() {
    const layer = $("marks"), s = data.samples, heard = [];
    layer.replaceChildren();
    if ($("regions").checked)
      data.regions.forEach((region, number) => node("path", {
        d: outline(region), fill: "none", stroke: "#117733", "stroke-width": number ? 0.22 : 0.5,
        "stroke-dasharray": number ? "0.9 0.6" : "none" }, layer));
    for (let entry = s.first[at]; entry < s.first[at + 1]; entry++) heard.push(entry);
    heard.sort((one, other) => s.rss[one] - s.rss[other]);
    const weakest = s.rss[heard[0]], strongest = s.rss[heard[heard.length - 1]];
    for (const entry of heard) {
      const share = (s.rss[entry] - weakest) / Math.max(strongest - weakest, 1), cx = x(s.at[0][entry]);
      const dot = node("circle", { cx, cy: y(s.at[1][entry]), r: 0.7 + share, fill: "#B8600B", "fill-opacity": 0.35 + 0.65 * share,
        stroke: "#222B35", "stroke-width": 0.15 }, layer);
      node("title", {}, dot, s.sensors[s.sensor[entry]] + ": " + s.rss[entry].toFixed(1) + " dB");
      if (heard.indexOf(entry) >= heard.length - 6)
        node("text", { x: cx + 1.9, y: y(s.at[1][entry]) + 0.8, "font-size": 2.2, fill: "#5A3004", stroke: "#fff",
          "stroke-width": 0.5, "paint-order": "stroke" }, layer, s.rss[entry].toFixed(0) + " dB");
    }
    for (const method of Object.values(data.methods)) {
      const cx = x(method.hat[0][at]), cy = y(method.hat[1][at]);
      node("path", { d: `M${cx - 1.8} ${cy - 1.8}l3.6 3.6M${cx - 1.8} ${cy + 1.8}l3.6 -3.6`, stroke: "#fff", "stroke-width": 1.2 }, layer);
      node("path", { d: `M${cx - 1.8} ${cy - 1.8}l3.6 3.6M${cx - 1.8} ${cy + 1.8}l3.6 -3.6`, stroke: method.colour, "stroke-width": 0.7 }, layer);
    }
    const place = star(x(s.true[0][at]), y(s.true[1][at]), 2.6);
    node("polygon", { points: place, fill: "#fff", stroke: "#fff", "stroke-width": 1.1 }, layer);
    node("polygon", { points: place, fill: "#FFD400", stroke: "#222B35", "stroke-width": 0.4 }, layer);
  }

  const metres = (value) => value.toFixed(0) + " m";

  function tell() {
    const s = data.samples, table = $("table"), rank = order.indexOf(at) + 1;
    $("caption").textContent = `Sample ${s.number[at]} of ${data.label} (${data.set}), ${s.time[at].replace("T", " ")} UTC, heard by ` +
      `${s.first[at + 1] - s.first[at]} receivers; ${rank} of ${order.length} in this order.`;
    table.replaceChildren();
    const head = table.createTHead().insertRow();
    for (const word of ["method", "off by", "confident"]) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = word;
      head.appendChild(cell);
    }
    const body = table.createTBody();
    for (const [name, method] of Object.entries(data.methods)) {
      const row = body.insertRow(), first = document.createElement("th");
      first.scope = "row";
      first.innerHTML = `<span class="ex-swatch" style="background:${method.colour}"></span>`;
      first.append(method.label);
      row.appendChild(first);
      row.dataset.method = name;
      row.insertCell().textContent = metres(method.error[at]);
      row.insertCell().textContent = method.sure[at] < method.threshold ? "no" : "yes";
    }
    const area = data.regions.map((region) => {
      let pixels = 0;
      for (let run = region.start[at]; run < region.start[at + 1]; run++) pixels += region.runs[2 * run + 1] - region.runs[2 * run];
      return `${100 * region.level} %: ${(pixels * (data.grid.pixel_m / 1000) ** 2).toFixed(2)} km²`;
    });
    $("areas").textContent = `Regions of the radio maps, calibrated for ${data.promise}: ${area.join(", ")}.`;
    histograms();
  }

  function histograms() {
    const box = $("histograms");
    box.replaceChildren();
    for (const method of Object.values(data.methods)) {
      const most = Math.max(...method.val), [low, high] = method.range, place = (value) => 4 + 192 * (value - low) / (high - low);
      const words = `${method.label}: ${method.indicator} is ${method.sure[at].toPrecision(3)}; validation's 10th percentile is ${method.threshold.toPrecision(3)}`;
      const svg = node("svg", { viewBox: "0 0 200 52", class: "ex-hist", role: "img", "aria-label": words }, box);
      method.val.forEach((count, bin) => node("rect", { x: 4 + 192 * bin / method.val.length, y: 36 - 32 * count / most,
        width: 192 / method.val.length - 0.6, height: 32 * count / most, fill: "#AEB7C2" }, svg));
      node("line", { x1: place(method.threshold), x2: place(method.threshold), y1: 2, y2: 36, stroke: "#222B35", "stroke-width": 0.8, "stroke-dasharray": "2 1.5" }, svg);
      node("line", { x1: place(method.sure[at]), x2: place(method.sure[at]), y1: 0, y2: 38, stroke: method.colour, "stroke-width": 2.4 }, svg);
      node("text", { x: 4, y: 47, "font-size": 7.5, fill: "currentColor" }, svg, `${method.label}: ${method.indicator}`);
    }
  }

  function show(sample, from) {
    const clicked = performance.now();
    at = sample;
    paint();
    overlay();
    tell();
    $("number").value = data.samples.number[at];
    const link = `#${split}/${data.samples.number[at]}`;
    if (from !== "link" && location.hash !== link) history.replaceState(null, "", link);
    root.dataset.answered = (performance.now() - clicked).toFixed(1);
  }

  function arrange() {
    const chosen = $("order").value, method = data.methods[chosen];
    order = data.samples.number.map((_, sample) => sample);
    if (method) order.sort((one, other) => method.sure[one] - method.sure[other]);
    if (chosen === "worst") order.sort((one, other) => data.methods.maps.error[other] - data.methods.maps.error[one]);
  }

  function step(by) {
    show(order[(order.indexOf(at) + by + order.length) % order.length]);
  }

  function fill(name, number) {
    asked = name;
    load(name, (found) => {
      [split, data] = [name, found];
      $("split").value = name;
      const { width, height } = data.grid, svg = $("map");
      $("frame").style.aspectRatio = `${width} / ${height}`;
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      const kept = $("receiver").value;
      $("receiver").replaceChildren(...data.receivers.map((one) => new Option(one.name)));
      if (data.receivers.some((one) => one.name === kept)) $("receiver").value = kept;
      const dots = $("dots");
      dots.replaceChildren();
      data.samples.number.forEach((_, sample) => node("circle", { cx: x(data.samples.true[0][sample]).toFixed(1),
        cy: y(data.samples.true[1][sample]).toFixed(1), r: 0.35, fill: "#6B7683", "fill-opacity": 0.6 }, dots));
      arrange();
      const wanted = data.samples.number.indexOf(number);
      show(wanted >= 0 ? wanted : order[0], wanted >= 0 ? "link" : "");
      if (number !== null && number !== undefined && wanted < 0)
        $("caption").textContent = `Sample ${number} is not among the test samples of ${data.label}. ` + $("caption").textContent;
      root.dataset.ready = (performance.now() - started).toFixed(0);
    });
  }

  function linked() {
    const [, name, which] = location.hash.match(/^#(\w+)(?:\/(\w+))?$/) || [];
    const has = (select, value) => [...$(select).options].some((option) => option.value === value);
    if (has("order", which)) $("order").value = which;
    fill(has("split", name) ? name : $("split").options[0].value, /^\d+$/.test(which) ? Number(which) : null);
  }

  $("split").addEventListener("change", () => fill($("split").value, null));
  $("order").addEventListener("change", () => { arrange(); show(order[0]); });
  $("image").addEventListener("change", () => show(at));
  $("receiver").addEventListener("change", () => {
    if ($("image").value !== "std") $("image").value = "mean";
    show(at);
  });
  $("regions").addEventListener("change", () => show(at));
  $("previous").addEventListener("click", () => step(-1));
  $("next").addEventListener("click", () => step(1));
  $("number").addEventListener("change", () => {
    if (!$("number").value) return;
    const wanted = data.samples.number.indexOf(Number($("number").value));
    if (wanted >= 0) show(wanted);
    else $("caption").textContent = `Sample ${$("number").value} is not among the test samples of ${data.label}.`;
  });
  $("map").addEventListener("click", (event) => {
    if (!data) return;
    const box = $("map").getBoundingClientRect(), s = data.samples;
    const column = (event.clientX - box.left) / box.width * data.grid.width, row = (event.clientY - box.top) / box.height * data.grid.height;
    let best = 0, least = Infinity;
    s.number.forEach((_, sample) => {
      const away = (x(s.true[0][sample]) - column) ** 2 + (y(s.true[1][sample]) - row) ** 2;
      if (away < least) [best, least] = [sample, away];
    });
    show(best);
  });
  $("map").addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!by || !data) return;
    event.preventDefault();
    step(by);
  });
  window.addEventListener("hashchange", linked);
  linked();
})();
