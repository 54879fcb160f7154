//! Physical keys: USB HID usage ids, W3C codes, evdev codes.
