"""Writes a table whose footer names the row group of another a hundred times: the table, the new one."""
import struct, sys

data = open(sys.argv[1], "rb").read()
length = struct.unpack("<I", data[-8:-4])[0]
footer = data[-8 - length:-8]


def varint(at):
    value = shift = 0
    while True:
        byte = footer[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def skip(kind, at):
    if kind in (1, 2):
        return at
    if kind == 3:
        return at + 1
    if kind in (4, 5, 6):
        return varint(at)[1]
    if kind == 7:
        return at + 8
    if kind == 8:
        size, at = varint(at)
        return at + size
    if kind in (9, 10):
        head = footer[at]
        at += 1
        count, of = head >> 4, head & 15
        if count == 15:
            count, at = varint(at)
        for _ in range(count):
            at = at + 1 if of in (1, 2) else skip(of, at)
        return at
    assert kind == 12, kind
    while footer[at]:
        of, delta = footer[at] & 15, footer[at] >> 4
        at += 1
        if not delta:
            at = varint(at)[1]
        at = skip(of, at)
    return at + 1


at = number = 0
while footer[at]:
    start, kind, delta = at, footer[at] & 15, footer[at] >> 4
    at += 1
    assert delta
    number += delta
    end = skip(kind, at)
    if number == 4:
        head = footer[at]
        assert kind == 9 and head == 0x1C, hex(head)
        group = footer[at + 1:end]
        footer = footer[:at] + bytes([0xFC, 100]) + group * 100 + footer[end:]
        break
    at = end
open(sys.argv[2], "wb").write(data[:-8 - length] + footer + struct.pack("<I", len(footer)) + b"PAR1")
