"use strict";
(() => {
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const make = (tag, text, cls) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (cls) e.className = cls; return e; };
const size = (n) => n === null ? "—" : n >= 1e9 ? (n / 1e9).toFixed(2) + " GB" : (n / 1e6).toFixed(1) + " MB";
const COLUMNS = [
  ["Session", "path"], ["State", "state"], ["Verdict", "verdict"], ["Recorded (UTC)", "captured"], ["Length", "ns"], ["Game or target", "game"], ["Frames", "frames"], ["Rate", "fps"], ["Dropped", "dropped"], ["Keys", "keys"], ["Clicks", "clicks"], ["Gaps", "gaps"], ["Redacted", "redacted"], ["Size", "bytes"],
];
$("title").textContent = data.title; $("made").textContent = data.made;
const sealed = data.sessions.filter((s) => s.state === "sealed"), hours = sealed.reduce((sum, s) => sum + (s.ns || 0), 0) / 3.6e12;
const accepted = sealed.filter((s) => s.verdict === "accept").length, bad = data.sessions.filter((s) => s.state === "damaged").length;
$("facts").textContent = sealed.length + " sealed sessions, " + hours.toFixed(2) + " hours, " + accepted + " accepted, " + (data.sessions.length - sealed.length) + " logs and others, " + bad + " damaged" + (data.unreadable ? "; " + data.unreadable + " folders could not be looked into" : "");
let sorted = ["captured", false];
const shown = () => {
  const word = $("filter").value.toLowerCase(), [key, up] = sorted;
  const match = (s) => !word || [s.path, s.state, s.verdict, s.game, s.target, s.problem].some((text) => text && text.toLowerCase().includes(word));
  const less = (a, b) => { const x = a[key], y = b[key]; if (x === y) return 0; if (x === null) return 1; if (y === null) return -1; return (x < y ? -1 : 1) * (up ? 1 : -1); };
  const list = data.sessions.filter(match).sort(less);
  $("count").textContent = list.length + " of " + data.sessions.length;
  $("body").replaceChildren(...list.map((s) => {
    const row = make("tr"), name = make("td");
    if (s.link) { const a = make("a", s.path); a.href = s.link; name.append(a); } else name.textContent = s.path;
    if (s.problem) name.append(make("br"), make("span", s.problem, "bad"));
    row.append(name, make("td", s.state, s.state === "sealed" ? "ok" : "bad"), make("td", s.verdict || "—"), make("td", s.captured === null ? "—" : new Date(s.captured / 1000).toISOString().slice(0, 16).replace("T", " ")), make("td", s.length || "—", "number"), make("td", s.game || s.target || "—"));
    for (const [value, digits] of [[s.frames, 0], [s.fps, 2], [s.dropped, 0], [s.keys, 0], [s.clicks, 0], [s.gaps, 0], [s.redacted, 0]]) row.append(make("td", value === null ? "—" : value.toFixed(digits), "number"));
    row.append(make("td", size(s.bytes), "number"));
    return row;
  }));
};
for (const [label, key] of COLUMNS) { const th = make("th"), b = make("button", label); th.scope = "col"; b.type = "button"; b.onclick = () => { sorted = [key, sorted[0] === key ? !sorted[1] : true]; for (const other of $("head").children) other.removeAttribute("aria-sort"); th.setAttribute("aria-sort", sorted[1] ? "ascending" : "descending"); shown(); }; th.append(b); $("head").append(th); }
$("filter").addEventListener("input", shown); shown();
document.documentElement.dataset.ready = "yes";
})();
