"""Opens a page of `watchcap report` in headless Chromium, as a person would: waits, seeks, plays, steps, filters; prints what it saw as JSON.

usage: report_page.py PAGE SESSION
"""

import base64
import json
import os
import pathlib
import random
import sys
import time

import av

from browser import Browser


def crc8(number):
    crc = 0
    for byte in number.to_bytes(4, "big"):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc


def barcode(luma):
    """The number in a picture, given the 40 lumas of its cells; None when its check does not fit."""
    word = 0
    for value in luma:
        word = word << 1 | (value >= 128)
    number = word >> 8
    return number if crc8(number) == word & 0xFF else None


# The lumas of the 40 cells of what the video shows, and the frame that the page names for it.
CELLS = """(async () => {
  const video = document.getElementById("video");
  const seen = await new Promise((done) => { video.requestVideoFrameCallback((_, info) => done(info.mediaTime)); video.currentTime = TIME; setTimeout(() => done(-1), 5000); });
  await new Promise((done) => setTimeout(done, 60));
  const canvas = document.createElement("canvas"); canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const c = canvas.getContext("2d"); c.drawImage(video, 0, 0);
  const cell = Math.max(2, Math.min(16, Math.floor(video.videoWidth / 48))), middle = cell + Math.floor(cell / 2), luma = [];
  for (let i = 0; i < 40; i++) { const p = c.getImageData(middle + i * cell, middle, 1, 1).data; luma.push(p[1]); }
  return { luma, frame: Number(document.documentElement.dataset.frame), seen };
})()"""


def truth(session):
    """The numbers that are in the pictures of the video, in order, by PyAV; and its length in seconds."""
    numbers, last = [], 0.0
    with av.open(str(pathlib.Path(session, "frames.mp4"))) as container:
        for frame in container.decode(video=0):
            luma = frame.reformat(format="gray").to_ndarray()
            cell = max(2, min(16, frame.width // 48))
            middle = cell + cell // 2
            numbers.append(barcode([int(luma[middle, middle + i * cell]) for i in range(40)]))
            last = float(frame.pts * frame.time_base)
    return numbers, last


def player(browser, session, said):
    browser.wait("document.getElementById('video').readyState >= 2")
    said["duration"] = browser.run("document.getElementById('video').duration")
    numbers, length = truth(session)
    chance = random.Random(7)
    said["sought"] = said["right"] = 0
    embedded = browser.run("document.getElementById('video').src.startsWith('blob:')")
    if embedded:
        for _ in range(24):
            seen = browser.run(CELLS.replace("TIME", str(chance.uniform(0.0, length))))
            said["sought"] += 1
            # A seek to the picture that is shown shows no new one: the page names it all the same.
            said["right"] += barcode(seen["luma"]) == numbers[seen["frame"]] is not None
    browser.run("document.getElementById('video').currentTime = 0.3")
    time.sleep(0.3)
    before = browser.run("document.getElementById('video').currentTime")
    browser.run("document.getElementById('play').click()")
    time.sleep(1.0)
    browser.run("document.getElementById('play').click()")
    said["played_s"] = browser.run("document.getElementById('video').currentTime") - before
    browser.run("document.getElementById('video').currentTime = 0.5")
    time.sleep(0.5)
    frame = browser.run("Number(document.documentElement.dataset.frame)")
    browser.call("Input.dispatchKeyEvent", type="keyDown", key=".", text=".")
    browser.call("Input.dispatchKeyEvent", type="keyUp", key=".")
    time.sleep(0.5)
    said["stepped"] = browser.run("Number(document.documentElement.dataset.frame)") - frame
    count = "Number(document.getElementById('count').textContent.split(' ')[0])"
    said["rows"] = browser.run(count)
    browser.run("(() => { const f = document.getElementById('filter'); f.value = 'no such event'; f.dispatchEvent(new Event('input')); })()")
    said["filtered"] = browser.run(count)
    back = "getComputedStyle(document.body).backgroundColor"
    for scheme in ["light", "dark"]:
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        said[scheme] = browser.run(back)


def main():
    page, session = (os.path.abspath(path) for path in sys.argv[1:3])
    browser = Browser()
    said = {}
    try:
        browser.call("Page.navigate", url=pathlib.Path(page).as_uri())
        browser.wait("document.documentElement && document.documentElement.dataset.ready === 'yes'")
        if browser.run("!!document.getElementById('video')"):
            player(browser, session, said)
        said["links"] = browser.run("[...document.querySelectorAll('tbody a')].map((a) => a.getAttribute('href')).sort()")
        said["title"] = browser.run("document.title")
        said["text"] = browser.run("document.body.innerText")
        picture = os.environ.get("WATCHCAP_SCREENSHOT")
        if picture:
            shot = browser.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
            pathlib.Path(picture).write_bytes(base64.b64decode(shot))
        said["errors"], said["requests"] = browser.errors(), browser.requests()
    finally:
        browser.end()
    print(json.dumps(said))


main()
