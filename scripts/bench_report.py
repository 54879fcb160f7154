#!/usr/bin/env python3
"""Measures a page of `watchcap report` in headless Chromium: from opening it to its being ready and to its first picture, and what a drag
over the lanes costs.

    scripts/bench_report.py PAGE [PAGE ...]

Pages of eight hours and of two are made by:

    cargo bench --bench replay -- make DIR && target/release/watchcap report DIR/long
    cargo bench --bench replay -- make DIR hours && target/release/watchcap report DIR/hours
"""
import json, pathlib, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/python"))
from browser import Browser

# Drags from end to end in 200 steps, one a picture of the screen; milliseconds of each step until it is drawn, and the longest task.
DRAG = """(async () => {
  const lanes = document.getElementById("lanes"), box = lanes.getBoundingClientRect(), steps = [], long = [];
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) long.push(entry.duration); }).observe({ entryTypes: ["longtask"] });
  const fire = (kind, share) => lanes.dispatchEvent(new PointerEvent(kind, { clientX: box.left + 70 + share * (box.width - 75), clientY: box.top + 40, pointerId: 1, bubbles: true }));
  lanes.setPointerCapture = () => {};
  fire("pointerdown", 0);
  for (let n = 0; n <= 200; n++) { const began = performance.now(); fire("pointermove", n / 200); await new Promise(requestAnimationFrame); steps.push(performance.now() - began); }
  fire("pointerup", 1);
  await new Promise((done) => setTimeout(done, 300));
  steps.sort((a, b) => a - b);
  return { step_median_ms: steps[100], step_p99_ms: steps[198], long_tasks: long.length, longest_task_ms: Math.max(0, ...long) };
})()"""
# One seek to a random place until its picture is there.
SEEK = """(async () => { const video = document.getElementById("video"), began = performance.now(); const shown = new Promise((done) => video.requestVideoFrameCallback(done)); video.currentTime = SHARE * video.duration; await shown; return performance.now() - began; })()"""

for page in sys.argv[1:]:
    path = pathlib.Path(page).resolve()
    browser = Browser()
    try:
        began = time.monotonic()
        browser.call("Page.navigate", url=path.as_uri())
        browser.wait("document.documentElement && document.documentElement.dataset.ready === 'yes'")
        ready = time.monotonic() - began
        browser.wait("document.getElementById('video').readyState >= 2")
        first = time.monotonic() - began
        drag = browser.run(DRAG)
        seeks = sorted(browser.run(SEEK.replace("SHARE", str(n * 0.6180339887 % 1))) for n in range(1, 42))
        print(json.dumps({"page": path.name, "size_mb": round(path.stat().st_size / 1e6, 1), "ready_s": round(ready, 2), "first_picture_s": round(first, 2),
                          **{name: round(value, 1) for name, value in drag.items()}, "seek_median_ms": round(seeks[20], 1), "seek_max_ms": round(seeks[-1], 1),
                          "errors": browser.errors()}))
    finally:
        browser.end()
