"""A kernel's input device without uinput: a file of FUSE's that answers what evdev answers. Needs root and /dev/fuse.

    fake_evdev.py PATH '{"name": .., "keys": [..], "rel": [..], "abs": [..] or {code: [least, greatest, now]}, "held": [..], "id": [vendor, product], "late": [[TYPE, CODE, VALUE, ..], ..], "denied": true}'

One that is `denied` may be opened by nobody. A reader that chooses the clock REVOKES is taken back, as by EVIOCREVOKE: no file of FUSE's is asked for that itself, since
its number stands in the place of a pointer. One that `refuses` answers that so many times with EINTR, EIO, EINTR, .. before; one that is `stuck` does not answer it
until it is told `free`.

`late` are packets that come at once after the device was asked first what it holds: before its reader begins to read.

Prints `ready` once it is there. Then, a line each on standard input, answered with `did NANOSECONDS` of CLOCK_MONOTONIC:

    ev TYPE CODE VALUE [TYPE CODE VALUE ...]    a packet with its report
    drop                                        the reader's queue ran over: what it had not read is gone
    sweep COUNT HZ AXIS [AXIS ..]               packets at a rate, in which each axis goes up and down; answered with all their times
    move COUNT HZ AXIS [AXIS ..]                packets of motion at a rate, in which each axis moves by -4 to 4; answered with all their times
    free                                        who takes it back is answered from now on
    unplug                                      the device goes away

Opening, waiting and the end of the device are the real kernel's; the stamps are of the clock that the reader chose.
"""

import ctypes
import errno
import json
import os
import struct
import sys
import threading
import time

MONOTONIC = 1
# As in input-helper/src/lent.rs.
REVOKES = -0x494852
EV_SYN, EV_KEY, EV_REL, EV_ABS = 0, 1, 2, 3
# Requests of FUSE, by their numbers in <linux/fuse.h>.
GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, INTERRUPT, IOCTL, POLL = 3, 14, 15, 18, 25, 26, 36, 39, 40
POLL_IN, POLL_ERR, POLL_HUP, SCHEDULE = 0x41, 0x8, 0x10, 1


def mask(codes, size):
    """A bit for each code, cut to what the caller has room for."""
    bits = bytearray(size)
    for code in codes:
        if code // 8 < size:
            bits[code // 8] |= 1 << code % 8
    return bytes(bits)


class Device:
    def __init__(self, path, about):
        self.path, self.about = path, about
        self.held, self.is_gone = set(about.get("held", [])), False
        self.late = about.get("late", [])
        self.refuses, self.stuck, self.waiting = about.get("refuses", 0), about.get("stuck", False), []
        # By their codes: least and greatest value, and where they are.
        axes = about.get("abs", [])
        self.axes = {int(code): list(axes[code]) for code in axes} if isinstance(axes, dict) else {code: [0, 255, 0] for code in axes}
        self.readers, self.polls, self.next = {}, {}, 1
        self.lock = threading.Lock()
        open(path, "w").close()
        self.fuse = os.open("/dev/fuse", os.O_RDWR)
        self.libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={self.fuse},rootmode=100666,user_id=0,group_id=0,allow_other"
        if self.libc.mount(b"fake", path.encode(), b"fuse.fake", 2 | 4, options.encode()):
            sys.exit("mount: " + os.strerror(ctypes.get_errno()))

    def remove(self):
        self.libc.umount2(self.path.encode(), 2)
        os.unlink(self.path)

    def answer(self, unique, body=b"", error=0):
        try:
            os.write(self.fuse, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)
        except OSError:
            pass

    def serve(self):
        while True:
            try:
                request = os.read(self.fuse, 1 << 17)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR):
                    continue
                return
            _, operation, unique = struct.unpack_from("<IIQ", request)
            with self.lock:
                self.request(operation, unique, request[40:])

    def request(self, operation, unique, body):
        if operation == INIT:
            # The protocol's version, and otherwise what a file of no pages needs.
            self.answer(unique, struct.pack("<IIIIHHIIHHI7I", 7, 31, 65536, 0, 12, 9, 65536, 1, 1, 0, *[0] * 8)[:64])
        elif operation == GETATTR:
            attributes = struct.pack("<6Q10I", 1, *[0] * 5, 0, 0, 0, 0o100666, 1, 0, 0, 0, 4096, 0)
            self.answer(unique, struct.pack("<QII", 0, 0, 0) + attributes)
        elif operation == OPEN:
            if self.is_gone:
                return self.answer(unique, error=errno.ENODEV)
            if self.about.get("denied"):
                return self.answer(unique, error=errno.EACCES)
            handle, self.next = self.next, self.next + 1
            self.readers[handle] = {"queue": [], "clock": 0, "revoked": False}
            # Direct, without seeking, a stream.
            self.answer(unique, struct.pack("<QII", handle, 1 | 4 | 16, 0))
        elif operation == READ:
            handle, _, size = struct.unpack_from("<QQI", body)
            reader = self.readers[handle]
            if self.is_gone or reader["revoked"]:
                return self.answer(unique, error=errno.ENODEV)
            if not reader["queue"]:
                return self.answer(unique, error=errno.EAGAIN)
            count = size // 24
            events, reader["queue"] = reader["queue"][:count], reader["queue"][count:]
            self.answer(unique, b"".join(events))
        elif operation == IOCTL:
            handle, _, command, _, given, room = struct.unpack_from("<QIIQII", body)
            if self.stuck and command & 0xFF == 0xA0 and struct.unpack_from("<i", body, 32)[0] == REVOKES:
                self.waiting.append((operation, unique, body))
                return
            error, result, out = self.ioctl(self.readers[handle], command, body[32 : 32 + given])
            self.answer(unique, struct.pack("<iIII", result, 0, 0, 0) + out[:room], error)
        elif operation == POLL:
            handle, number, flags, _ = struct.unpack_from("<QQII", body)
            if flags & SCHEDULE:
                self.polls[handle] = number
            reader = self.readers[handle]
            state = POLL_IN if reader["queue"] else 0
            is_over = self.is_gone or reader["revoked"]
            self.answer(unique, struct.pack("<II", POLL_HUP | POLL_ERR if is_over else state, 0))
        elif operation == RELEASE:
            self.readers.pop(struct.unpack_from("<Q", body)[0], None)
            self.answer(unique)
        elif operation == FLUSH:
            self.answer(unique)
        elif operation not in (2, 42, INTERRUPT):
            self.answer(unique, error=errno.ENOSYS)

    def ioctl(self, reader, command, given):
        number, size = command & 0xFF, command >> 16 & 0x3FFF
        about = self.about
        kinds = {EV_KEY: about.get("keys", []), EV_REL: about.get("rel", []), EV_ABS: list(self.axes)}
        if self.is_gone or reader["revoked"]:
            return errno.ENODEV, 0, b""
        if number == 0x02:
            return 0, 0, struct.pack("<4H", about.get("bus", 3), *about.get("id", [1, 1]), 1)
        if number == 0x06:
            name = about["name"].encode() + b"\0"
            return 0, min(size, len(name)), name[:size]
        if number == 0x18:
            # As in the kernel: what is asked for is not told again.
            reader["queue"] = [event for event in reader["queue"] if struct.unpack_from("<H", event, 16)[0] != EV_KEY]
            held = mask(self.held, size)
            late, self.late = self.late, []
            for numbers in late:
                self.queue(list(zip(numbers[::3], numbers[1::3], numbers[2::3])))
            return 0, size, held
        if number == 0x20:
            return 0, size, mask([EV_SYN] + [kind for kind, codes in kinds.items() if codes], size)
        if 0x20 < number < 0x40:
            return 0, size, mask(kinds.get(number - 0x20, []), size)
        if 0x40 <= number < 0x80:
            if number - 0x40 not in self.axes:
                return errno.EINVAL, 0, b""
            least, greatest, now = self.axes[number - 0x40]
            return 0, 0, struct.pack("<6i", now, least, greatest, 0, 0, 0)
        if number == 0xA0:
            clock = struct.unpack("<i", given[:4])[0]
            if clock == REVOKES and self.refuses > 0:
                self.refuses -= 1
                return (errno.EIO if self.refuses % 2 else errno.EINTR), 0, b""
            reader["clock"] = clock
            reader["queue"].clear()
            if reader["clock"] == REVOKES:
                reader["revoked"] = True
                self.wake()
            return 0, 0, b""
        return errno.EINVAL, 0, b""

    def tell(self, events, lost=False):
        with self.lock:
            stamp = self.queue(events, lost)
            self.wake()
        return stamp // 1000 * 1000

    def queue(self, events, lost=False):
        """Tells all readers; when."""
        stamp = time.monotonic_ns()
        wall = stamp + time.time_ns() - time.monotonic_ns()
        for kind, code, value in events:
            if kind == EV_KEY:
                (self.held.add if value else self.held.discard)(code)
            if kind == EV_ABS and code in self.axes:
                self.axes[code][2] = value
        told = [(EV_SYN, 3, 0)] if lost else events
        for reader in self.readers.values():
            ns = stamp if reader["clock"] == MONOTONIC else wall
            pack = lambda event: struct.pack("<qqHHi", ns // 10**9, ns % 10**9 // 1000, *event)
            reader["queue"] += [pack(event) for event in [*told, (EV_SYN, 0, 0)]]
        return stamp

    def wake(self):
        for number in self.polls.values():
            os.write(self.fuse, struct.pack("<IiQQ", 24, 1, 0, number))
        self.polls.clear()

    def at_a_rate(self, count, hz, events):
        """Tells packets, each `events` of its number; their times."""
        begin, times = time.monotonic_ns(), []
        for number in range(count):
            while (left := begin + number * 10**9 // hz - time.monotonic_ns()) > 0:
                time.sleep(left / 10**9)
            times.append(self.tell(events(number)))
        return times

    def sweep(self, number, axes):
        """Each packet has another value of each axis than the one before."""
        for place, axis in enumerate(axes):
            least, greatest, _ = self.axes[axis]
            step = (number + 1 + place * 7) % (2 * (greatest - least))
            yield EV_ABS, axis, greatest - abs(step - (greatest - least))

    def move(self, number, axes):
        """No motion is none: an axis that moves by nothing is not in the packet."""
        for place, axis in enumerate(axes):
            if step := (number + place * 5) % 9 - 4:
                yield EV_REL, axis, step

    def free(self):
        with self.lock:
            self.stuck = False
            for request in self.waiting:
                self.request(*request)
        return time.monotonic_ns()

    def unplug(self):
        with self.lock:
            self.is_gone = True
            self.wake()
        self.remove()
        return time.monotonic_ns()


device = Device(sys.argv[1], json.loads(sys.argv[2]))
threading.Thread(target=device.serve, daemon=True).start()
print("ready", flush=True)
try:
    for line in sys.stdin:
        verb, *numbers = line.split()
        if verb in ("sweep", "move"):
            count, hz, *axes = map(int, numbers)
            make = device.sweep if verb == "sweep" else device.move
            print("swept", *device.at_a_rate(count, hz, lambda number: list(make(number, axes))), flush=True)
            continue
        numbers = [int(number, 0) for number in numbers]
        events = list(zip(numbers[::3], numbers[1::3], numbers[2::3]))
        if verb in ("ev", "drop"):
            print("did", device.tell(events, verb == "drop"), flush=True)
        elif verb == "free":
            print("did", device.free(), flush=True)
        elif verb == "unplug":
            print("did", device.unplug(), flush=True)
finally:
    if not device.is_gone:
        device.remove()
