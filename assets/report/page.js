"use strict";
(() => {
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const i32 = (text) => new Int32Array(bytes(text).buffer);
const u16 = (text) => new Uint16Array(bytes(text).buffer);
const f32 = (text) => new Float32Array(bytes(text).buffer);
const UNIT = 1e4; // times are in 0.1 ms
const names = data.names;
const frames = i32(data.frames);
const pointer = { t: i32(data.pointer.t), x: u16(data.pointer.x), y: u16(data.pointer.y) };
const presses = (p) => {
  const down = i32(p.down), up = i32(p.up), name = i32(p.name), x = u16(p.x), y = u16(p.y);
  const order = Array.from(down.keys()).sort((a, b) => down[a] - down[b]);
  const by = (list) => order.map((at) => list[at]);
  return { down: by(down), up: by(up), name: by(name), x: by(x), y: by(y) };
};
const keys = presses(data.keys), buttons = presses(data.buttons);
const wheel = { t: i32(data.wheel.t), delta: f32(data.wheel.delta), sideways: u16(data.wheel.sideways) };
const focus = { t: i32(data.focus.t), app: i32(data.focus.app), title: i32(data.focus.title) };
const seconds = Object.fromEntries(Object.entries(data.seconds).map(([name, text]) => [name, u16(text)]));
const [begin, end] = [Math.min(data.span[0], 0), Math.max(data.span[1], frames.length ? frames[frames.length - 1] : 0, 1)];
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const make = (tag, text, cls) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (cls) e.className = cls; return e; };

// The last of a sorted list that is not after `value`; -1 for none.
const last = (list, value) => { let low = -1, high = list.length; while (high - low > 1) { const mid = (low + high) >> 1; if (list[mid] <= value) low = mid; else high = mid; } return low; };
const clock = (t) => { const ms = Math.round(Math.abs(t) / 10), s = Math.floor(ms / 1000); const two = (n) => String(n).padStart(2, "0");
  return (t < 0 ? "−" : "") + (s >= 3600 ? Math.floor(s / 3600) + ":" + two(Math.floor(s / 60) % 60) : Math.floor(s / 60)) + ":" + two(s % 60) + "." + String(ms % 1000).padStart(3, "0"); };

// What stands above.
$("title").textContent = data.title;
$("verdict").textContent = data.verdict.text; $("verdict").className = data.verdict.ok ? "ok" : "bad";
$("facts").textContent = data.facts;
$("made").textContent = data.made;

// The video: in the page, or the session's own file beside it.
const video = $("video"), over = $("over"), lanes = $("lanes");
let now = 0;
const broken = (text) => { $("broken").textContent = text; $("broken").hidden = false; };
if (data.video.embedded) video.src = URL.createObjectURL(new Blob([bytes($("blob").textContent)], { type: "video/mp4" }));
else if (data.video.href) video.src = data.video.href;
else broken(data.video.why);
video.addEventListener("error", () => broken(data.video.embedded ? "This browser cannot play the video (" + data.video.codec + "): its codec is missing here. Lanes and plots work." : "The video is not at " + data.video.href + " seen from this page, or this browser cannot play it (" + data.video.codec + "). Keep the page where it was made, or make it again with --embed always."));
const seek = (t) => { t = Math.max(begin, Math.min(end, t)); show(t); const at = Math.max(0, t) / UNIT; if (Number.isFinite(video.duration)) video.currentTime = Math.min(at, video.duration); else pending = at; };
let pending = null;
video.addEventListener("loadedmetadata", () => { if (pending !== null) { video.currentTime = pending; pending = null; } });
const toFrame = (n) => { if (frames.length) seek(frames[Math.max(0, Math.min(frames.length - 1, n))] + 4); };
const step = (by) => { video.pause(); toFrame(last(frames, now + 2) + by); };
const toggle = () => { if (video.paused) video.play(); else video.pause(); };
video.addEventListener("play", () => { $("play").textContent = "Pause"; $("play").setAttribute("aria-pressed", "true"); });
video.addEventListener("pause", () => { $("play").textContent = "Play"; $("play").setAttribute("aria-pressed", "false"); });
$("play").onclick = toggle; $("back").onclick = () => step(-1); $("on").onclick = () => step(1);
$("speed").onchange = (e) => { video.playbackRate = Number(e.target.value); };
$("draw").onchange = () => paint();
// In step with the pictures that are really shown.
let shown = -1;
const each = (_, info) => { shown = info.mediaTime; document.documentElement.dataset.frame = String(last(frames, Math.round(shown * UNIT) + 5)); document.documentElement.dataset.media = String(shown); show(Math.round(shown * UNIT)); video.requestVideoFrameCallback(each); };
if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(each);
else video.addEventListener("timeupdate", () => show(Math.round(video.currentTime * UNIT)));

// What is done at a time.
const held = (p, t) => { const found = []; for (let at = last(p.down, t), n = 0; at >= 0 && n < 4000; at--, n++) if (p.up[at] > t) found.push(at); return found; };
const where = (v) => (v - 16384) / 32768;
const paint = () => {
  const box = video.getBoundingClientRect(), stage = over.parentElement.getBoundingClientRect(), scale = window.devicePixelRatio || 1;
  over.width = stage.width * scale; over.height = stage.height * scale; over.style.width = stage.width + "px"; over.style.height = stage.height + "px";
  const c = over.getContext("2d"); c.scale(scale, scale); c.clearRect(0, 0, stage.width, stage.height);
  if (!$("draw").checked || !video.videoWidth) return;
  const fit = Math.min(box.width / video.videoWidth, box.height / video.videoHeight), w = video.videoWidth * fit, h = video.videoHeight * fit;
  const left = (box.width - w) / 2, top = (box.height - h) / 2;
  const at = last(pointer.t, now);
  if (at >= 0) {
    const place = (n) => [left + where(pointer.x[n]) * w, top + where(pointer.y[n]) * h];
    c.beginPath(); c.strokeStyle = "rgba(255, 220, 0, .7)"; c.lineWidth = 2;
    for (let n = Math.max(0, last(pointer.t, now - 4000)), first = true; n <= at; n++) { const [x, y] = place(n); if (first) c.moveTo(x, y); else c.lineTo(x, y); first = false; }
    c.stroke();
    const [x, y] = place(at), pressed = held(buttons, now);
    c.beginPath(); c.arc(x, y, pressed.length ? 14 : 8, 0, 7); c.strokeStyle = pressed.length ? "#ff2d55" : "#ffdc00"; c.lineWidth = 3; c.stroke();
    if (pressed.length) { c.font = "13px system-ui"; c.fillStyle = "#ff2d55"; c.fillText(pressed.map((n) => names[buttons.name[n]]).join(" "), x + 18, y + 5); }
  }
  const down = held(keys, now).map((n) => names[keys.name[n]]).reverse();
  if (down.length) {
    c.font = "bold 15px system-ui"; let x = left + 12;
    for (const key of down.slice(0, 12)) { const width = c.measureText(key).width + 16; c.fillStyle = "rgba(0, 0, 0, .75)"; c.fillRect(x, top + h - 40, width, 28); c.fillStyle = "#fff"; c.fillText(key, x + 8, top + h - 21); x += width + 6; }
  }
};

// The lanes.
const LANES = [["keys", 26], ["buttons", 20], ["wheel", 20], ["motion", 26], ["focus", 20], ["spans", 18], ["marks", 18], ["frames", 30]];
const HEAD = 18, NAME = 64, HEIGHT = HEAD + LANES.reduce((sum, [, h]) => sum + h + 2, 0);
let view = [begin, end];
const zoom = (by, around) => { const width = Math.max(1000, Math.min(end - begin, (view[1] - view[0]) * by)), share = (around - view[0]) / (view[1] - view[0]); let from = around - width * share; from = Math.max(begin, Math.min(end - width, from)); view = [from, from + width]; lane(); };
$("in").onclick = () => zoom(0.5, now); $("out").onclick = () => zoom(2, now); $("fit").onclick = () => { view = [begin, end]; lane(); };
let picture = null;
const lane = () => { picture = null; cursor(); };
const drawLanes = (width, scale) => {
  const canvas = document.createElement("canvas"); canvas.width = width * scale; canvas.height = HEIGHT * scale;
  const c = canvas.getContext("2d"); c.scale(scale, scale);
  const across = width - NAME, x = (t) => NAME + (t - view[0]) / (view[1] - view[0]) * across, per = (view[1] - view[0]) / across;
  c.fillStyle = colour("back"); c.fillRect(0, 0, width, HEIGHT);
  c.font = "11px system-ui"; c.fillStyle = colour("dim");
  const steps = [1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 3e5, 6e5, 1.2e6, 3e6, 6e6, 1.8e7, 3.6e7, 7.2e7, 3.6e8], tick = steps.find((s) => s / per >= 90) || 3.6e8;
  for (let t = Math.ceil(view[0] / tick) * tick; t <= view[1]; t += tick) { c.fillStyle = colour("line"); c.fillRect(x(t), 0, 1, HEIGHT); c.fillStyle = colour("dim"); c.fillText(clock(t).replace(/\.000$/, ""), x(t) + 3, 12); }
  let y = HEAD;
  const each = (list, from, to, draw) => { for (let at = Math.max(0, last(list, from)); at < list.length && list[at] <= to; at++) draw(at); };
  const press = (p, h, tint) => { c.fillStyle = tint; let until = -1; for (let at = 0; at < p.down.length && p.down[at] <= view[1]; at++) { if (p.up[at] < view[0]) continue; const a = Math.max(NAME, x(p.down[at])), b = Math.min(width, Math.max(a + 1, x(p.up[at]))); if (b <= until) continue; c.fillRect(a, y + 3, b - a, h - 6); if (b - a > 30) { c.fillStyle = colour("back"); c.fillText(names[p.name[at]], a + 3, y + h / 2 + 4); c.fillStyle = tint; } until = b; } };
  const bars = (values, h, tint) => { if (!values) return; let most = 1; const columns = new Map(); for (let s = Math.max(0, Math.floor(view[0] / UNIT)); s < values.length && s * UNIT <= view[1]; s++) { const px = Math.floor(Math.max(NAME, x(s * UNIT))); columns.set(px, Math.max(columns.get(px) || 0, values[s])); most = Math.max(most, values[s]); } c.fillStyle = tint; const wide = Math.max(1, UNIT / per - 1); for (const [px, value] of columns) c.fillRect(px, y + h - 2 - (h - 4) * value / most, wide, (h - 4) * value / most); };
  for (const [name, h] of LANES) {
    c.fillStyle = colour("soft"); c.fillRect(NAME, y, across, h);
    if (name === "keys") press(keys, h, colour("key"));
    if (name === "buttons") press(buttons, h, colour("button"));
    if (name === "wheel") { c.fillStyle = colour("wheel"); let px = -1; each(wheel.t, view[0], view[1], (at) => { const a = x(wheel.t[at]); if (a < NAME || a - px < 1) return; px = a; const up = wheel.delta[at] >= 0; c.fillRect(a, y + (up ? 2 : h / 2), 2, h / 2 - 2); }); }
    if (name === "motion") bars(seconds.moves, h, colour("dim"));
    if (name === "focus") each(focus.t, view[0], view[1], (at) => { const a = Math.max(NAME, x(focus.t[at])), b = at + 1 < focus.t.length ? Math.min(width, x(focus.t[at + 1])) : width; if (b < NAME) return; c.fillStyle = at % 2 ? colour("focus") : colour("dim"); c.fillRect(a, y + h - 4, b - a, 3); if (b - a > 40) { c.save(); c.beginPath(); c.rect(a, y, b - a - 2, h); c.clip(); c.fillStyle = colour("text"); c.fillText(names[focus.app[at]] || "—", a + 2, y + h - 7); c.restore(); } });
    if (name === "spans") for (const span of data.spans) { if (span.until < view[0] || span.from > view[1]) continue; const a = Math.max(NAME, x(span.from)); c.fillStyle = colour(span.kind); c.fillRect(a, y + 2, Math.max(2, Math.min(width, x(span.until)) - a), h - 4); }
    if (name === "marks") { c.fillStyle = colour("mark"); for (const mark of data.marks) { if (mark.at < view[0] || mark.at > view[1]) continue; const a = x(mark.at); c.beginPath(); c.moveTo(a, y + h - 2); c.lineTo(a - 5, y + 4); c.lineTo(a + 5, y + 4); c.fill(); c.fillText(mark.text.slice(0, 40), a + 8, y + h - 5); } }
    if (name === "frames") { bars(seconds.frames, h, colour("line")); bars(seconds.fresh, h, colour("focus")); }
    c.fillStyle = colour("back"); c.fillRect(0, y, NAME, h); c.fillStyle = colour("dim"); c.fillText(name, 4, y + h / 2 + 4);
    y += h + 2;
  }
  return canvas;
};
const cursor = () => {
  const scale = window.devicePixelRatio || 1, width = Math.max(200, lanes.parentElement.clientWidth - 2);
  if (!picture || picture.width !== Math.round(width * scale)) { lanes.style.height = HEIGHT + "px"; lanes.width = Math.round(width * scale); lanes.height = Math.round(HEIGHT * scale); picture = drawLanes(width, scale); }
  const c = lanes.getContext("2d"); c.setTransform(1, 0, 0, 1, 0, 0); c.drawImage(picture, 0, 0);
  const x = NAME + (now - view[0]) / (view[1] - view[0]) * (width - NAME);
  if (x >= NAME) { c.scale(scale, scale); c.fillStyle = colour("cursor"); c.fillRect(x - 1, 0, 2, HEIGHT); }
};
const timeAt = (event) => { const box = lanes.getBoundingClientRect(); return view[0] + (event.clientX - box.left - NAME) / (box.width - NAME) * (view[1] - view[0]); };
let dragging = false;
lanes.addEventListener("pointerdown", (e) => { dragging = true; lanes.setPointerCapture(e.pointerId); seek(timeAt(e)); });
lanes.addEventListener("pointermove", (e) => { if (dragging) seek(timeAt(e)); });
lanes.addEventListener("pointerup", () => { dragging = false; });
lanes.addEventListener("wheel", (e) => { e.preventDefault(); if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) { const by = (view[1] - view[0]) * 0.1 * Math.sign(e.deltaX || e.deltaY), from = Math.max(begin, Math.min(end - (view[1] - view[0]), view[0] + by)); view = [from, from + (view[1] - view[0])]; lane(); } else zoom(e.deltaY > 0 ? 1.25 : 0.8, timeAt(e)); }, { passive: false });

// One time for everything.
lanes.setAttribute("aria-valuemin", String(Math.round(begin / UNIT))); lanes.setAttribute("aria-valuemax", String(Math.round(end / UNIT)));
const show = (t) => {
  now = t;
  if (t > view[1] || t < view[0]) { const width = view[1] - view[0], from = Math.max(begin, Math.min(end - width, t - width * 0.1)); view = [from, from + width]; picture = null; }
  const frame = last(frames, t + 5);
  const text = clock(t) + (frame >= 0 ? " · frame " + frame : "") + " · t_ns " + (BigInt(data.zero) + BigInt(Math.round(t)) * 100000n);
  $("now").textContent = text; lanes.setAttribute("aria-valuenow", String(Math.round(t / UNIT))); lanes.setAttribute("aria-valuetext", text);
  document.documentElement.dataset.now = String(t);
  cursor(); paint(); follow();
};

// The list of events, of which only what is in view is in the page.
const KINDS = ["key", "button", "wheel", "focus", "mark", "gap", "pause", "redact"];
const all = [];
for (let n = 0; n < keys.down.length; n++) all.push([keys.down[n], "key", names[keys.name[n]] + ", " + Math.round((keys.up[n] - keys.down[n]) / 10) + " ms"]);
for (let n = 0; n < buttons.down.length; n++) all.push([buttons.down[n], "button", names[buttons.name[n]] + ", " + Math.round((buttons.up[n] - buttons.down[n]) / 10) + " ms" + (buttons.x[n] || buttons.y[n] ? ", at " + (where(buttons.x[n]) * 100).toFixed(1) + " %, " + (where(buttons.y[n]) * 100).toFixed(1) + " %" : "")]);
for (let n = 0; n < wheel.t.length; n++) all.push([wheel.t[n], "wheel", (Number.isNaN(wheel.delta[n]) ? "unknown" : wheel.delta[n].toFixed(2)) + (wheel.sideways[n] ? ", sideways" : "")]);
for (let n = 0; n < focus.t.length; n++) all.push([focus.t[n], "focus", [names[focus.app[n]], names[focus.title[n]]].filter(Boolean).join(" — ") || "no window"]);
for (const mark of data.marks) all.push([mark.at, "mark", mark.text]);
for (const span of data.spans) all.push([span.from, span.kind, span.what + ", " + ((span.until - span.from) / UNIT).toFixed(3) + " s"]);
all.sort((a, b) => a[0] - b[0]);
const wanted = new Set(KINDS);
for (const kind of KINDS) { const label = make("label"), box = make("input"); box.type = "checkbox"; box.checked = true; box.onchange = () => { if (box.checked) wanted.add(kind); else wanted.delete(kind); filter(); }; label.append(box, " " + kind + " "); $("kinds").append(label); }
const ROW = 24; let listed = all, chosen = -1;
const filter = () => { const word = $("filter").value.toLowerCase(); listed = all.filter((e) => wanted.has(e[1]) && (!word || e[2].toLowerCase().includes(word))); chosen = -1; $("tall").style.height = listed.length * ROW + "px"; $("count").textContent = listed.length + " of " + all.length + (data.left_out ? ", and " + data.left_out + " more that did not fit into this page" : ""); fill(); };
const fill = () => {
  const box = $("list"), from = Math.max(0, Math.floor(box.scrollTop / ROW) - 5), to = Math.min(listed.length, from + Math.ceil(box.clientHeight / ROW) + 10), rows = $("rows");
  rows.style.top = from * ROW + "px"; rows.replaceChildren();
  for (let n = from; n < to; n++) { const [t, kind, text] = listed[n], row = make("div", undefined, "row" + (n === chosen ? " chosen" : "") + (t <= now ? " past" : "")); row.setAttribute("role", "option"); row.setAttribute("aria-selected", String(n === chosen)); row.append(make("span", clock(t)), make("span", kind), make("span", text)); row.onclick = () => { choose(n); seek(t); }; rows.append(row); }
};
const choose = (n) => { chosen = Math.max(0, Math.min(listed.length - 1, n)); const box = $("list"), top = chosen * ROW; if (top < box.scrollTop) box.scrollTop = top; else if (top + ROW > box.scrollTop + box.clientHeight) box.scrollTop = top + ROW - box.clientHeight; fill(); };
const follow = () => { if (!video.paused) { let low = -1, high = listed.length; while (high - low > 1) { const mid = (low + high) >> 1; if (listed[mid][0] <= now) low = mid; else high = mid; } if (low >= 0 && low !== chosen) choose(low); } };
$("list").addEventListener("scroll", fill); $("filter").addEventListener("input", filter);
$("list").addEventListener("keydown", (e) => { const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12 }[e.key]; if (by) { e.preventDefault(); e.stopPropagation(); choose(chosen + by); } else if (e.key === "Enter" && listed[chosen]) { e.preventDefault(); seek(listed[chosen][0]); } });

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;
  if (e.target.tagName === "BUTTON" && (e.key === " " || e.key === "Enter")) return;
  const far = e.shiftKey ? 10 : 1;
  const does = { " ": toggle, k: toggle, ArrowLeft: () => seek(now - far * UNIT), ArrowRight: () => seek(now + far * UNIT), ",": () => step(-1), ".": () => step(1), Home: () => seek(begin), End: () => seek(end), "+": () => zoom(0.5, now), "-": () => zoom(2, now), "0": () => $("fit").click(), "/": () => $("filter").focus(), n: () => { const next = data.marks.find((mark) => mark.at > now + 5); if (next) seek(next.at); } }[e.key];
  if (does) { e.preventDefault(); does(); }
});

// Plots.
const plots = [];
const plot = (title, unit, series) => {
  const axis = { stroke: colour("dim"), grid: { stroke: colour("line"), width: 0.5 }, ticks: { stroke: colour("line") } };
  const box = make("div"); $("plots").append(box);
  const times = Array.from({ length: series[0][2].length }, (_, second) => second);
  const opts = { title, width: Math.max(300, $("plots").clientWidth), height: 180, cursor: { sync: { key: "t" } }, scales: { x: { time: false } }, axes: [{ ...axis, space: 90, incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400], values: (_, list) => list.map((s) => clock(s * UNIT).replace(/\.000$/, "")) }, { ...axis, label: unit }], series: [{ label: "time", value: (_, s) => s == null ? "—" : clock(s * UNIT) }, ...series.map(([label, tint]) => ({ label, stroke: colour(tint), width: 1.25, points: { show: false } }))] };
  const made = new uPlot(opts, [times, ...series.map(([, , values]) => values)], box);
  made.over.addEventListener("click", () => { const s = made.posToVal(made.cursor.left, "x"); if (Number.isFinite(s)) seek(s * UNIT); });
  plots.push(made);
};
const tenths = (values) => Array.from(values, (v) => v / 10);
const drawPlots = () => {
  plots.splice(0).forEach((old) => old.destroy()); $("plots").replaceChildren();
  if (!seconds.frames.length) { $("plots").append(make("p", "There is nothing to plot.")); return; }
  plot("Frames", "a second", [["stored", "dim", Array.from(seconds.frames)], ["new", "focus", Array.from(seconds.fresh)]]);
  plot("Time between frames, longest of each second", "ms", [["interval", "gap", tenths(seconds.interval)]]);
  plot("Time to get and to encode a picture, longest of each second", "ms", [["get", "key", tenths(seconds.capture)], ["encode", "wheel", tenths(seconds.encode)]]);
  plot("Input", "a second", [["keys", "key", Array.from(seconds.keys)], ["clicks", "button", Array.from(seconds.clicks)], ["wheel", "wheel", Array.from(seconds.wheel)], ["moves", "dim", Array.from(seconds.moves)]]);
};

// Tables.
const table = (caption, head, rows) => {
  const t = make("table"); t.append(make("caption", caption));
  if (head) { const h = make("thead"), r = make("tr"); for (const cell of head) { const th = make("th", cell); th.scope = "col"; r.append(th); } h.append(r); t.append(h); }
  const body = make("tbody");
  for (const cells of rows) { const r = make("tr"); cells.forEach((cell, n) => { const e = make(!head && n === 0 ? "th" : "td", typeof cell === "object" ? undefined : cell, typeof cell === "number" ? "number" : undefined); if (!head && n === 0) e.scope = "row"; if (typeof cell === "object") e.append(cell); r.append(e); }); body.append(r); }
  t.append(body); return t;
};
const jump = (t, text) => { const b = make("button", text, "link"); b.type = "button"; b.onclick = () => { seek(t); $("player").scrollIntoView(); }; return b; };
$("checks").append(table("What a reviewer would look for", ["", "Check", "Value", "Limit", "Where"], data.checks.map((check) => { const places = make("span"); check.findings.slice(0, 5).forEach((found, n) => { if (n) places.append(" "); const b = jump(found[0], clock(found[0])); b.title = found[1]; places.append(b); }); if (check.count > 5) places.append(" and " + (check.count - 5) + " more"); return [make("span", check.value === null ? "not measured" : check.ok ? "ok" : "over", check.value === null ? "" : check.ok ? "ok" : "bad"), check.name + ": " + check.measures, check.value === null ? "—" : Number(check.value.toFixed(3)), check.limit, places]; })));
for (const [caption, rows] of data.known) $("known").append(table(caption, null, rows));
$("metadata").textContent = JSON.stringify(data.metadata, null, 2);
const apps = new Map(); for (let n = 0; n < focus.t.length; n++) { const until = n + 1 < focus.t.length ? focus.t[n + 1] : end, name = names[focus.app[n]] || "no window"; const [time, times] = apps.get(name) || [0, 0]; apps.set(name, [time + until - focus.t[n], times + 1]); }
if (apps.size) $("focus").append(table("Time with the focus", ["Application", "Time", "Times"], [...apps].sort((a, b) => b[1][0] - a[1][0]).slice(0, 30).map(([name, [time, times]]) => [name, clock(time), times])));
else $("focus").append(make("p", "The session does not say which window had the focus."));
const heat = f32(data.heat.ms), most = heat.reduce((a, b) => Math.max(a, b), 0), map = $("heat"); map.width = data.heat.columns; map.height = data.heat.rows;
const drawHeat = () => { const c = map.getContext("2d"); for (let n = 0; n < heat.length; n++) { const v = most ? Math.sqrt(heat[n] / most) : 0; c.fillStyle = v ? "hsl(" + Math.round(240 - 240 * v) + " 90% 50% / " + (0.15 + 0.85 * v) + ")" : "transparent"; c.clearRect(n % map.width, Math.floor(n / map.width), 1, 1); c.fillRect(n % map.width, Math.floor(n / map.width), 1, 1); } };
$("heatsays").textContent = most ? "Where the pointer was, by time; stays of over two seconds count as two. The fullest field has " + (most / 1000).toFixed(1) + " s." : "No position of the pointer is known.";

const redraw = () => { drawPlots(); drawHeat(); lane(); paint(); };
window.addEventListener("resize", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
filter(); redraw(); show(0);
document.documentElement.dataset.ready = "yes";
})();
