#!/bin/bash
# A Wayland desktop without a monitor or devices, with its portal and PipeWire, until it is killed. Run as a user that is not root:
#
#   rig.sh sway|gnome FOLDER WIDTHxHEIGHT
#
# FOLDER is that user's, and gets home, run (sockets), logs, pids, and the file `told` with the variables of programs that run on it. sway: its portal
# chooses without a dialog, which xdg-desktop-portal-wlr does from 0.8 on. GNOME: `portal.py` beside this stands for its dialog.
set -u
kind=$1 rig=$2 size=$3 here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$rig/home/.config/xdg-desktop-portal-wlr" "$rig/run" "$rig/portals" "$rig/logs" "$rig/pids"
chmod 700 "$rig/run"
export HOME=$rig/home XDG_RUNTIME_DIR=$rig/run XDG_SESSION_TYPE=wayland XDG_CONFIG_HOME=$rig/home/.config XDG_DATA_HOME=$rig/home/.local/share
export XDG_STATE_HOME=$rig/home/.local/state XDG_DESKTOP_PORTAL_DIR=$rig/portals LC_ALL=C.UTF-8
unset DISPLAY WAYLAND_DISPLAY
pids=()
start() { local log=$1; shift; "$@" >"$rig/logs/$log" 2>&1 </dev/null & pids+=($!); echo $! >"$rig/pids/$log"; }
await() { for _ in $(seq 300); do compgen -G "$1" >/dev/null && return; sleep 0.1; done; echo "rig: no $1" >&2; exit 1; }
finish() { kill "${pids[@]}" 2>/dev/null; wait; exit 0; }
trap finish TERM INT EXIT

bus=unix:path=$rig/run/bus
start bus dbus-daemon --session --nofork --nopidfile --address="$bus"
await "$rig/run/bus"
export DBUS_SESSION_BUS_ADDRESS=$bus DBUS_SYSTEM_BUS_ADDRESS=$bus
start pipewire pipewire
await "$rig/run/pipewire-0"
start wireplumber wireplumber
case $kind in
    sway)
        export XDG_CURRENT_DESKTOP=sway WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1
        printf 'output HEADLESS-1 resolution %s position 0 0\ndefault_border none\nxwayland disable\n' "$size" >"$rig/sway"
        printf '[screencast]\noutput_name=HEADLESS-1\nmax_fps=60\nchooser_type=none\n' >"$XDG_CONFIG_HOME/xdg-desktop-portal-wlr/config"
        printf '[preferred]\ndefault=wlr\n' >"$rig/portals/sway-portals.conf"
        cp /usr/share/xdg-desktop-portal/portals/wlr.portal "$rig/portals/"
        start sway sway -c "$rig/sway"
        await "$rig/run/sway-ipc*"
        WAYLAND_DISPLAY=$(cd "$rig/run" && ls -d wayland-? | head -n 1)
        export WAYLAND_DISPLAY SWAYSOCK=$(ls "$rig"/run/sway-ipc*)
        # The wlroots portal wants these in the environment that D-Bus starts things with, too.
        start portal-wlr /usr/libexec/xdg-desktop-portal-wlr -l INFO
        ;;
    gnome)
        export XDG_CURRENT_DESKTOP=GNOME LIBGL_ALWAYS_SOFTWARE=1
        printf '[portal]\nDBusName=org.freedesktop.impl.portal.desktop.rig\nInterfaces=org.freedesktop.impl.portal.ScreenCast\nUseIn=gnome\n' >"$rig/portals/rig.portal"
        # It says that it cannot lock, over everything.
        gsettings set org.gnome.desktop.notifications show-banners false
        start gnome gnome-shell --headless --no-x11 --wayland --virtual-monitor "$size" --wayland-display wayland-gnome
        await "$rig/run/wayland-gnome"
        export WAYLAND_DISPLAY=wayland-gnome
        # It begins with its overview, behind which no window is seen as it is.
        for _ in $(seq 60); do
            sleep 1
            gdbus call --session -d org.gnome.Shell -o /org/gnome/Shell -m org.freedesktop.DBus.Properties.Set org.gnome.Shell OverviewActive '<false>' \
                >"$rig/logs/overview" 2>&1 && break
        done
        start portal-rig /usr/bin/python3 "$here/portal.py" "$rig"
        ;;
    *) echo "rig: unknown desktop '$kind'; hint: sway or gnome" >&2; exit 2 ;;
esac
sleep 1
portal=/usr/libexec/xdg-desktop-portal
start portal "$portal" -v
sleep 1
for name in XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS WAYLAND_DISPLAY XDG_SESSION_TYPE XDG_CURRENT_DESKTOP HOME XDG_CONFIG_HOME SWAYSOCK; do
    echo "$name=${!name-}"
done >"$rig/told.part"
mv "$rig/told.part" "$rig/told"
sleep infinity &
pids+=($!)
wait $!
