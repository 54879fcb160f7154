"""Plays the click track of scripts/sound_rig.py to a sink by libpulse, and says when the server plays which sample.

    pulse_clicks.py SINK SECONDS > truth

Lines: `M monotonic_ns sample`. libpulse itself says the times, so nothing of the program that is measured is asked.
"""

import array
import ctypes
import math
import sys
import time

RATE = 48_000
FLOAT32LE, PLAYBACK = 5, 1
INTERPOLATE, AUTO_TIMING, ADJUST_LATENCY = 0x2, 0x8, 0x2000
READY = 2  # of a stream; a context has 4
pulse = ctypes.CDLL("libpulse.so.0")


class Spec(ctypes.Structure):
    _fields_ = [("format", ctypes.c_int), ("rate", ctypes.c_uint32), ("channels", ctypes.c_uint8)]


class Buffers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize")]


def of_type(name, result, *arguments):
    function = getattr(pulse, name)
    function.restype, function.argtypes = result, arguments
    return function


pointer, text, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
loop_new = of_type("pa_threaded_mainloop_new", pointer)
loop_api = of_type("pa_threaded_mainloop_get_api", pointer, pointer)
loop_start = of_type("pa_threaded_mainloop_start", ctypes.c_int, pointer)
lock = of_type("pa_threaded_mainloop_lock", None, pointer)
unlock = of_type("pa_threaded_mainloop_unlock", None, pointer)
context_new = of_type("pa_context_new", pointer, pointer, text)
context_connect = of_type("pa_context_connect", ctypes.c_int, pointer, text, ctypes.c_int, pointer)
context_state = of_type("pa_context_get_state", ctypes.c_int, pointer)
stream_new = of_type("pa_stream_new", pointer, pointer, text, ctypes.POINTER(Spec), pointer)
stream_connect = of_type(
    "pa_stream_connect_playback", ctypes.c_int, pointer, text, ctypes.POINTER(Buffers), ctypes.c_int, pointer, pointer)
stream_state = of_type("pa_stream_get_state", ctypes.c_int, pointer)
writable = of_type("pa_stream_writable_size", size, pointer)
write = of_type("pa_stream_write", ctypes.c_int, pointer, text, size, pointer, ctypes.c_int64, ctypes.c_int)
stream_time = of_type("pa_stream_get_time", ctypes.c_int, pointer, ctypes.POINTER(ctypes.c_uint64))


def click_at(number):
    """Clicks are half a second apart, each 0 to 200 ms later, so that none can be taken for another."""
    return 24_000 + number * 24_000 + (number * 7919 % 11) * 960


CLICK = [0.9 * math.cos(at * 2 * math.pi * 3000 / RATE) * (1 - at / 96) for at in range(96)]


def samples(first, count):
    """`count` samples of both channels."""
    out = array.array("f", bytes(8 * count))
    number = max((first - 24_000) // 24_000 - 1, 0)
    while click_at(number) < first + count:
        for at, value in enumerate(CLICK, click_at(number) - first):
            if 0 <= at < count:
                out[2 * at] = out[2 * at + 1] = value
        number += 1
    return out.tobytes()


def wait_for(loop, state, of, wanted):
    for _ in range(500):
        lock(loop)
        found = state(of)
        unlock(loop)
        if found == wanted:
            return
        time.sleep(0.01)
    sys.exit(f"pulse_clicks: the server does not answer (state {found})")


def main():
    sink, seconds = sys.argv[1].encode(), float(sys.argv[2])
    loop = loop_new()
    context = context_new(loop_api(loop), b"clicks")
    context_connect(context, None, 0, None)
    loop_start(loop)
    wait_for(loop, context_state, context, 4)
    lock(loop)
    stream = stream_new(context, b"clicks", Spec(FLOAT32LE, RATE, 2), None)
    buffers = Buffers(0xFFFFFFFF, RATE * 8, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    stream_connect(stream, sink, buffers, INTERPOLATE | AUTO_TIMING | ADJUST_LATENCY, None, None)
    unlock(loop)
    wait_for(loop, stream_state, stream, READY)
    played, end, look = 0, time.monotonic() + seconds, 0.0
    while (now := time.monotonic()) < end:
        lock(loop)
        room = writable(stream) // 8
        if room:
            # Cut off at the end of the buffer, as a sound that is played as it comes.
            write(stream, samples(played, room), room * 8, None, 0, 0)
            played += room
        if now >= look:
            look, at = now + 0.1, ctypes.c_uint64()
            before = time.monotonic_ns()
            failed = stream_time(stream, at)
            after = time.monotonic_ns()
            if not failed:
                print("M", (before + after) // 2, at.value * RATE // 1_000_000, flush=True)
        unlock(loop)
        time.sleep(0.01)


main()
