#!/usr/bin/env python3
"""Runs real screen lockers, prompts, password managers and notification daemons beside a recording, and looks what of them is in it.

    lockers.py WATCHCAP [NAME ...]        all of them where no name is given (make test-lockers)

Each has an X server, a window manager and a session bus of its own. While it is up three keys are typed: none may be in the table with
its code, and its windows must be black, both for the reason that is expected. Prints a table in Markdown; exits 1 when one is not
recognised, 2 when a named one is not installed. As root, programs that refuse root run as another user, in a mount namespace.
"""
import dataclasses, os, shutil, signal, subprocess, sys, tempfile, time
import pyarrow.parquet as pq
from Xlib import X, display as xdisplay, error
from Xlib.ext import res, xtest

KEYS = {52: "KeyZ", 24: "KeyQ", 53: "KeyX"}
PIN = "SETDESC Enter it\nSETPROMPT PIN:\nGETPIN\n"
LIBEXEC = "/usr/lib/x86_64-linux-gnu/libexec"
BUS = ["dbus-run-session", "--"]
SECURE = 'XTerm*VT100.translations: #override <Key>F2: secure()'
NOTIFY = " sleep 2; notify-send -t 60000 Summary Body; sleep 60"


@dataclasses.dataclass
class Entry:
    name: str
    package: str
    run: str
    reason: str = "excluded_app"
    stdin: str = ""
    user: bool = False
    key: int = 0
    limit: float = 15


def locker(*args, **more): return Entry(*args, reason="lock_screen", **more)
def notifier(*args, **more): return Entry(*args, reason="notification", **more)


ENTRIES = [
    locker("slock", "suckless-tools", "slock"),
    locker("i3lock", "i3lock", "i3lock -n"),
    locker("xtrlock", "xtrlock", "xtrlock", user=True),
    locker("xtrlock -b", "xtrlock", "xtrlock -b", user=True),
    locker("xsecurelock", "xsecurelock", "xsecurelock"),
    locker("xscreensaver", "xscreensaver", "xscreensaver --no-splash & sleep 3; xscreensaver-command -lock; sleep 60", user=True),
    locker("light-locker", "light-locker", "light-locker & sleep 3; light-locker-command -l; sleep 60", user=True),
    locker("gnome-screensaver", "gnome-screensaver", "gnome-screensaver --no-daemon & sleep 3; gnome-screensaver-command -l; sleep 60", user=True),
    locker("cinnamon-screensaver", "cinnamon-screensaver", "cinnamon-screensaver & sleep 4; cinnamon-screensaver-command -l; sleep 60", user=True),
    locker("mate-screensaver", "mate-screensaver", "mate-screensaver --no-daemon & sleep 3; mate-screensaver-command -l; sleep 60", user=True),
    locker("kscreenlocker_greet", "libkscreenlocker5", f"{LIBEXEC}/kscreenlocker_greet --testing"),
    Entry("pinentry-gtk-2", "pinentry-gtk2", "pinentry-gtk-2", stdin=PIN),
    Entry("pinentry-qt", "pinentry-qt", "pinentry-qt", stdin=PIN),
    Entry("pinentry-fltk", "pinentry-fltk", "pinentry-fltk", stdin=PIN),
    Entry("pinentry-gnome3", "pinentry-gnome3", "pinentry-gnome3", stdin=PIN),
    Entry("ssh-askpass", "ssh-askpass", "/usr/libexec/ssh-askpass/x11-ssh-askpass"),
    Entry("gnome-ssh-askpass", "ssh-askpass-gnome", "/usr/lib/openssh/gnome-ssh-askpass Passphrase"),
    Entry("ssh-askpass-fullscreen", "ssh-askpass-fullscreen", "ssh-askpass-fullscreen"),
    Entry("ksshaskpass", "ksshaskpass", "ksshaskpass 'Enter passphrase for key:'"),
    Entry("lxqt-openssh-askpass", "lxqt-openssh-askpass", "lxqt-openssh-askpass Passphrase"),
    Entry("kdesu", "kde-cli-tools", f"{LIBEXEC}/kf5/kdesu -u nobody true"),
    Entry("kwalletd5", "libkf5wallet-bin", "kwalletd5 & sleep 2; dbus-send --session --print-reply --dest=org.kde.kwalletd5 /modules/kwalletd5 "
          "org.kde.KWallet.open string:kdewallet int64:0 string:test; sleep 60"),
    Entry("kwalletmanager5", "kwalletmanager", "kwalletmanager5 --show"),
    Entry("keepassxc", "keepassxc", "keepassxc"),
    Entry("keepass2", "keepass2", "keepass2"),
    Entry("seahorse", "seahorse", "seahorse"),
    Entry("secrets", "secrets", "secrets"),
    Entry("revelation", "revelation", "revelation"),
    Entry("qtpass", "qtpass", "qtpass"),
    Entry("pwsafe", "passwordsafe", "pwsafe"),
    Entry("password-gorilla", "password-gorilla", "password-gorilla"),
    Entry("xterm, Secure Keyboard", "xterm", f"xterm -xrm '{SECURE}' -e sleep 60", reason="secure_keyboard", key=68),
    notifier("dunst", "dunst", "dunst &" + NOTIFY),
    notifier("notify-osd", "notify-osd", "/usr/lib/x86_64-linux-gnu/notify-osd &" + NOTIFY),
    notifier("notification-daemon", "notification-daemon", "/usr/lib/notification-daemon/notification-daemon &" + NOTIFY),
    notifier("xfce4-notifyd", "xfce4-notifyd", "/usr/lib/x86_64-linux-gnu/xfce4/notifyd/xfce4-notifyd &" + NOTIFY),
    notifier("mate-notification-daemon", "mate-notification-daemon", "/usr/lib/mate-notification-daemon/mate-notification-daemon &" + NOTIFY),
    notifier("lxqt-notificationd", "lxqt-notificationd", "lxqt-notificationd &" + NOTIFY),
    notifier("awesome", "awesome", "awesome &" + NOTIFY),
]


class Bench:
    """The folder, server and processes of one entry; ends what it started."""

    def __init__(self, watchcap):
        self.watchcap, self.started = os.path.abspath(watchcap), []
        self.folder = tempfile.mkdtemp(prefix="watchcap-lockers-")
        os.chmod(self.folder, 0o755)

    def spawn(self, *args, **more):
        more = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True) | more
        process = subprocess.Popen(args, **more)
        self.started.append(process)
        return process

    def server(self):
        read, write = os.pipe()
        self.spawn("Xvfb", "-displayfd", str(write), "-screen", "0", "800x600x24", "-nolisten", "tcp", pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as said: self.display = ":" + said.readline().strip()
        home = f"{self.folder}/home"
        os.makedirs(home, mode=0o700)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "DBUS_", "WAYLAND", "WATCHCAP"))}
        self.env = kept | dict(DISPLAY=self.display, HOME=home, XDG_RUNTIME_DIR=home, LANG="C.UTF-8", NO_AT_BRIDGE="1")

    def close(self):
        for process in reversed(self.started):
            try: os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError: pass
            process.wait()
        for _ in range(20):
            shutil.rmtree(self.folder, ignore_errors=True)
            if not os.path.exists(self.folder): break
            time.sleep(0.1)


def without_group(command, folder):
    """Programs with more rights than their user do not start everywhere: a copy has none."""
    name, *rest = command.split(" ", 1)
    path = shutil.which(name)
    plain = not path or not (os.stat(path).st_mode & 0o6000 or "security.capability" in os.listxattr(path))
    if plain or os.getuid() != 0: return command
    copy = shutil.copy(path, f"{folder}/{os.path.basename(path)}")
    os.chmod(copy, 0o755)
    return " ".join([copy, *rest])


def as_user(command, bench):
    """Runs it as a user with a password, in a mount namespace with that user's entries."""
    if os.getuid() != 0: return BUS + ["sh", "-c", command]
    uid, folder = 4711, bench.folder
    with open(f"{folder}/passwd", "w") as f: f.write(open("/etc/passwd").read() + f"lockme:x:{uid}:{uid}::{bench.env['HOME']}:/bin/sh\n")
    with open(f"{folder}/shadow", "w") as f: f.write("root:*:1::::::\nlockme:$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/:1::::::\n")
    os.chown(bench.env["HOME"], uid, uid)
    script = f'mount --bind {folder}/passwd /etc/passwd; mount --bind {folder}/shadow /etc/shadow; chmod 644 {folder}/shadow; '
    script += f'exec setpriv --reuid {uid} --regid {uid} --clear-groups dbus-run-session -- sh -c "$1"'
    return ["unshare", "--mount", "sh", "-c", script, "sh", command]


def windows(display, ignored):
    """What windows say of themselves: (class, title, program, for input alone), of every client but those that are ignored."""
    found = []

    def walk(window, depth):
        for child in window.query_tree().children:
            try:
                attributes, name = child.get_attributes(), child.get_wm_name()
                names, program = child.get_wm_class(), ""
                ids = res.query_client_ids(display, [{"client": child.id, "mask": res.LocalClientPIDMask}]).ids
                pid = next((i.value[0] for i in ids if i.value), None)
                if pid: program = open(f"/proc/{pid}/comm").read().strip()
                if attributes.map_state == X.IsViewable and (depth == 0 or names) and program not in ignored:
                    found.append((names, name, program, attributes.win_class == X.InputOnly))
                if depth < 3: walk(child, depth + 1)
            except (error.XError, OSError): pass
    walk(display.screen().root, 0)
    return found


def tried(entry, watchcap):
    bench = Bench(watchcap)
    try:
        bench.server()
        env = bench.env
        time.sleep(0.3)
        if entry.name != "awesome": bench.spawn("openbox", env=env)
        time.sleep(0.5)
        bench.spawn("xterm", "-class", "Desk", "-e", "sleep", "99", env=env)
        time.sleep(0.8)
        recorder = bench.spawn(bench.watchcap, "record", "--consent", "screen,input", "--fps", "10", "--out", bench.folder, "--session", "s",
                               env=env | dict(XDG_CONFIG_HOME="/nonexistent", XDG_RUNTIME_DIR=bench.folder))
        time.sleep(1.5)
        command = without_group(entry.run, bench.folder)
        command = as_user(command, bench) if entry.user else BUS + ["sh", "-c", command]
        log = open(f"{bench.folder}/log", "w+")
        program = bench.spawn(*command, env=env, stdin=subprocess.PIPE, stdout=log, stderr=log)
        if entry.stdin: program.stdin.write(entry.stdin.encode()); program.stdin.flush()
        display = xdisplay.Display(bench.display)
        desk = 1 if entry.reason == "secure_keyboard" else 0
        ignored = {"openbox"} if desk else {"openbox", "xterm", "awesome"} - ({"awesome"} if entry.name == "awesome" else set())
        found, until = [], time.time() + entry.limit
        while time.time() < until and not found:
            time.sleep(0.3)
            found = windows(display, ignored)[desk:]
        time.sleep(2)
        found = windows(display, ignored) or found
        if not found: return None, "no window: " + open(log.name).read()[-160:].strip().replace("\n", " ")
        press = lambda code: [xtest.fake_input(display, kind, code) or display.sync() for kind in (X.KeyPress, X.KeyRelease)]
        if entry.key: press(entry.key); time.sleep(0.5)
        for code in KEYS: press(code); time.sleep(0.15)
        time.sleep(0.8)
        try: os.killpg(program.pid, signal.SIGKILL)
        except ProcessLookupError: pass
        recorder.send_signal(signal.SIGTERM)
        recorder.wait(60)
        table = pq.read_table(f"{bench.folder}/s/events.parquet").to_pylist()
        return judged(entry, found, table)
    finally:
        bench.close()


def judged(entry, found, table):
    said = lambda row: dict(row["metadata"])
    told = [said(r).get("code") for r in table if r["event_type"] == "key_down" and said(r).get("code") in KEYS.values()]
    hidden = [r for r in table if r["event_type"] == "key_down" and r["key_code"] is None]
    reasons = {what: {said(r)["reason"] for r in table if r["event_type"] == "redact" and said(r)["what"] == what} for what in ("keys", "pixels")}
    names = found[-1] if entry.reason != "secure_keyboard" else next((f for f in found if f[0] and f[0][1] == "XTerm"), found[-1])
    what = f"{'/'.join(names[0]) if names[0] else '-'} | {names[1] or '-'} | {names[2] or '-'}"
    shows = any(not for_input for *_, for_input in found) and entry.reason != "secure_keyboard"
    if entry.reason == "notification": right = entry.reason in reasons["pixels"]
    else:
        right = not told and len(hidden) >= len(KEYS) and entry.reason in reasons["keys"]
        right = right and (not shows or entry.reason in reasons["pixels"])
    keys = "-" if entry.reason == "notification" else f"{len(hidden)} withheld" + (f", {len(told)} told" if told else "")
    why = ", ".join(sorted(reasons["keys"] | reasons["pixels"])) or "-"
    return right, f"{what} | {keys} | {why}"


def main():
    watchcap, *wanted = sys.argv[1:]
    entries = [entry for entry in ENTRIES if not wanted or entry.name in wanted]
    unknown = set(wanted) - {entry.name for entry in entries}
    if unknown: sys.exit(f"lockers: unknown: {', '.join(sorted(unknown))}")
    print("| program | package | version | class | title | process | keys | reasons | |\n|---|---|---|---|---|---|---|---|---|", flush=True)
    wrong, untried = [], []
    for entry in entries:
        version = subprocess.run(["dpkg-query", "-W", "-f=${Version}", entry.package], capture_output=True, text=True).stdout
        if not version: right, what = None, "not installed"
        else: right, what = tried(entry, watchcap)
        if right is False: wrong.append(entry.name)
        if right is None: untried.append(entry.name); what += " | | | |"
        word = {True: "recognised", False: "NOT RECOGNISED", None: "not tried"}[right]
        print(f"| {entry.name} | {entry.package} | {version} | {what} | {word} |", flush=True)
    print(f"\n{len(entries)} tried, {len(entries) - len(wrong) - len(untried)} recognised, {len(wrong)} not recognised, {len(untried)} did not start")
    sys.exit(1 if wrong else 2 if wanted and untried else 0)


if len(sys.argv) < 2: sys.exit(__doc__)
main()
