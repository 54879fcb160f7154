"""Stands for the dialog of GNOME's portal: everything is allowed, by nobody. What the person would have chosen is the first monitor, which Mutter
casts by its own interface; the portal in front of this, PipeWire and Mutter are the real ones.

    portal.py FOLDER        a file `deny` in the folder closes the next dialog; `close` ends the casts; `starts` gets a line for each dialog,
                            with what was remembered

It also has a hand at the pointer: a line `X Y` in `point` moves it, and one `press` presses its button, by org.gnome.Mutter.RemoteDesktop.
"""

import os
import sys
import time

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

DBusGMainLoop(set_as_default=True)
RIG = sys.argv[1]
BUS = dbus.SessionBus()
PROPERTIES = "org.freedesktop.DBus.Properties"
IMPL = "org.freedesktop.impl.portal.ScreenCast"
MUTTER = "org.gnome.Mutter.ScreenCast"
REMOTE = "org.gnome.Mutter.RemoteDesktop"
# What the portal has for cursor modes, in Mutter's numbers.
CURSORS = {1: 0, 2: 1, 4: 2}


def at(name):
    return os.path.join(RIG, name)


def say(name, line):
    with open(at(name), "a", encoding="utf-8") as file:
        file.write(line + "\n")


class Session(dbus.service.Object):
    """A cast, at the path that the portal has for it."""

    def __init__(self, path):
        super().__init__(BUS, path)
        self.cursor = 1
        self.remembered = None
        self.remote = None

    @dbus.service.method("org.freedesktop.impl.portal.Session")
    def Close(self):
        self.stop()
        self.remove_from_connection()

    @dbus.service.signal("org.freedesktop.impl.portal.Session")
    def Closed(self):
        pass

    @dbus.service.method(PROPERTIES, in_signature="ss", out_signature="v")
    def Get(self, _interface, _name):
        return dbus.UInt32(1)

    def stop(self):
        SESSIONS.pop(str(self.__dbus_object_path__), None)
        if self.remote is not None:
            try:
                self.remote.Stop(dbus_interface=REMOTE + ".Session")
            except dbus.DBusException as error:
                say("faults", str(error))
            self.remote = None


SESSIONS = {}


class Casts(dbus.service.Object):
    """The part of the desktop that asks the person."""

    @dbus.service.method(PROPERTIES, in_signature="ss", out_signature="v")
    def Get(self, _interface, name):
        return self.GetAll(_interface)[name]

    @dbus.service.method(PROPERTIES, in_signature="s", out_signature="a{sv}")
    def GetAll(self, _interface):
        names = ["version", "AvailableSourceTypes", "AvailableCursorModes"]
        return dict(zip(names, [dbus.UInt32(4), dbus.UInt32(1), dbus.UInt32(7)]))

    @dbus.service.method(IMPL, in_signature="oosa{sv}", out_signature="ua{sv}")
    def CreateSession(self, _handle, session, _app, _options):
        SESSIONS[str(session)] = Session(session)
        return dbus.UInt32(0), dbus.Dictionary({"session_id": "rig"}, signature="sv")

    @dbus.service.method(IMPL, in_signature="oosa{sv}", out_signature="ua{sv}")
    def SelectSources(self, _handle, session, _app, options):
        SESSIONS[str(session)].cursor = int(options.get("cursor_mode", 1))
        SESSIONS[str(session)].remembered = options.get("restore_data")
        return dbus.UInt32(0), dbus.Dictionary({}, signature="sv")

    @dbus.service.method(IMPL, in_signature="oossa{sv}", out_signature="ua{sv}", async_callbacks=("done", "failed"))
    def Start(self, _handle, session, _app, _parent, _options, done, failed):
        session = SESSIONS[str(session)]
        say("starts", f"cursor {session.cursor} remembered {session.remembered is not None}")
        if os.path.exists(at("deny")):
            os.remove(at("deny"))
            done(dbus.UInt32(1), dbus.Dictionary({}, signature="sv"))
            return
        try:
            self.cast(session, done)
        except dbus.DBusException as error:
            say("faults", str(error))
            failed(error)

    def cast(self, session, done):
        remotes = BUS.get_object(REMOTE, "/org/gnome/Mutter/RemoteDesktop")
        casts = BUS.get_object(MUTTER, "/org/gnome/Mutter/ScreenCast")
        session.remote = BUS.get_object(REMOTE, remotes.CreateSession(dbus_interface=REMOTE))
        known = session.remote.Get(REMOTE + ".Session", "SessionId", dbus_interface=PROPERTIES)
        cast = BUS.get_object(MUTTER, casts.CreateSession({"remote-desktop-session-id": known}, dbus_interface=MUTTER))
        options = {"cursor-mode": dbus.UInt32(CURSORS[session.cursor])}
        path = cast.RecordMonitor("", options, dbus_interface=MUTTER + ".Session")
        session.stream = path
        stream = BUS.get_object(MUTTER, path)

        def added(node):
            told = stream.Get(MUTTER + ".Stream", "Parameters", dbus_interface=PROPERTIES)
            about = {"source_type": dbus.UInt32(1)}
            about.update({name: told[name] for name in ("position", "size") if name in told})
            streams = dbus.Array([(dbus.UInt32(node), dbus.Dictionary(about, signature="sv"))], signature="(ua{sv})")
            data = dbus.Struct((dbus.String("rig"), dbus.UInt32(1), dbus.String("monitor", variant_level=1)), variant_level=1)
            results = {"streams": streams, "restore_data": data, "persist_mode": dbus.UInt32(2)}
            done(dbus.UInt32(0), dbus.Dictionary(results, signature="sv"))

        stream.connect_to_signal("PipeWireStreamAdded", added, dbus_interface=MUTTER + ".Stream")
        session.remote.Start(dbus_interface=REMOTE + ".Session")


def obey():
    """Does what files ask for."""
    if os.path.exists(at("close")):
        os.remove(at("close"))
        for session in list(SESSIONS.values()):
            session.Closed()
            session.stop()
    if os.path.exists(at("point")):
        with open(at("point"), encoding="utf-8") as file:
            lines = file.read().split("\n")
        os.remove(at("point"))
        for session in SESSIONS.values():
            for words in (line.split() for line in lines if line):
                hand = dbus.Interface(session.remote, REMOTE + ".Session")
                stamp = time.monotonic_ns()
                if words == ["press"]:
                    hand.NotifyPointerButton(dbus.Int32(0x110), True)
                    hand.NotifyPointerButton(dbus.Int32(0x110), False)
                else:
                    hand.NotifyPointerMotionAbsolute(session.stream, float(words[0]), float(words[1]))
                say("hand", f"{stamp} {' '.join(words)}")
    return True


NAME = dbus.service.BusName("org.freedesktop.impl.portal.desktop.rig", BUS)
CASTS = Casts(BUS, "/org/freedesktop/portal/desktop")
GLib.timeout_add(10, obey)
GLib.MainLoop().run()
