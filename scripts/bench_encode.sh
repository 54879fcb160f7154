#!/usr/bin/env bash
# Compares the built-in encoder, and x264 with our rate control where `make x264` has built it, with libx264 ultrafast on a real game: CPU per
# picture, SSIM, PSNR and VMAF (neg) at the same bit rate. VMAF needs an ffmpeg with libvmaf in FF_VMAF (`pip install imageio-ffmpeg` brings one).
#
# Needs Xvfb, chocolate-doom with freedoom, ffmpeg. Grabs 10 s at 1080p30 once (losslessly, BT.709 4:2:0, 930 MB) into
# $DIR, then measures in turns, so that both sides see the same machine; the least of each side counts.
# DIR should be in a tmpfs: writing 2 GB to a disk holds the grabbing up. The first line says how many frames are distinct.
# FIRST="chrt -r 5" (as root) lets the game and the grabbing go before whatever else the machine does. BENCH may name a built `encode` bench, to
# leave cargo out.
# CONTENT=desktop grabs scripts/desktop_session.py instead of the game; pictures that are like the one before are handed over as repeats.
# CHILDREN names encoders of ffmpeg that are measured as `record` tells them what to do (--quality fast), an IDR each half second: libaom-av1, libx265.
# Their pictures do not go through a pipe here, which is 1.2 ms more.
#   DIR=/tmp/bench_encode TURNS=3 KBPS="8000 12000" scripts/bench_encode.sh
set -euo pipefail
PATH=$PATH:/usr/games # where Debian puts games, and not every shell looks
content=${CONTENT:-game} dir=${DIR:-/tmp/bench_encode} turns=${TURNS:-3} rates=${KBPS:-8000 12000} display=${XDISPLAY:-:60}
size=1920x1080 fps=30 seconds=10 here=$PWD
repeats=()
[[ $content == game ]] || repeats=(--repeat)
clip=$dir/clip.yuv still=$dir/still.yuv
raw=(-f rawvideo -pix_fmt yuv420p -s "$size" -r "$fps")
mkdir -p "$dir"

grab() {
    ${FIRST:-} Xvfb "$display" -screen 0 "${size}x24" -noreset >"$dir/xvfb.log" 2>&1 &
    local server=$!
    sleep 1
    local shown=("$here/scripts/desktop_session.py")
    [[ $content != game ]] || shown=(chocolate-doom -nosound -window -geometry "$size" -iwad /usr/share/games/doom/freedoom1.wad -playdemo demo1)
    HOME=$dir DISPLAY=$display SDL_AUDIODRIVER=dummy SDL_VIDEODRIVER=x11 ${FIRST:-} "${shown[@]}" >"$dir/shown.log" 2>&1 &
    local game=$!
    sleep 7
    DISPLAY=$display ${FIRST:-} ffmpeg -v fatal -y -f x11grab -framerate "$fps" -video_size "$size" -draw_mouse 0 -i "$display" \
        -t "$seconds" -fps_mode passthrough -f rawvideo "$dir/clip.bgr0"
    kill "$game" "$server"
    ffmpeg -v error -y -f rawvideo -pix_fmt bgr0 -s "$size" -r "$fps" -i "$dir/clip.bgr0" \
        -vf scale=out_color_matrix=bt709:out_range=tv,format=yuv420p -f rawvideo "$clip"
    rm "$dir/clip.bgr0"
}

[ -e "$clip" ] || grab
frame=$((1920 * 1080 * 3 / 2))
frames=$(($(stat -Lc %s "$clip") / frame))
echo "$frames frames, $(ffmpeg -v error "${raw[@]}" -i "$clip" -f framemd5 - | awk '/^0/ {print $6}' | sort -u | wc -l) distinct"
[ -e "$still" ] || for _ in $(seq 150); do tail -c +$((20 * frame + 1)) "$clip" | head -c "$frame" || true; done >"$still"

# CPU milliseconds per picture of an ffmpeg run: user and system time.
x264() { # INPUT FRAMES OUT OPTIONS…
    local input=$1 count=$2 out=$3
    shift 3
    ffmpeg -hide_banner -benchmark -y "${raw[@]}" -i "$input" -c:v libx264 -preset ultrafast "$@" "$out" 2>&1 |
        sed -n 's/.*bench: utime=\([0-9.]*\)s stime=\([0-9.]*\)s.*/\1 \2/p' |
        awk -v n="$count" '{printf "%.2f\n", ($1 + $2) * 1000 / n}'
}
child() { # ENCODER KBPS OUT
    local told
    case $1 in
        libaom-av1) told="-usage realtime -lag-in-frames 0 -g 1000000 -row-mt 1 -cpu-used 8" ;;
        libx265) told="-preset ultrafast -tune zerolatency -forced-idr 1 -x265-params keyint=-1:scenecut=0:bframes=0:rc-lookahead=0:open-gop=0:frame-threads=1:info=0:log-level=error" ;;
        *) echo "bench_encode: CHILDREN knows libaom-av1 and libx265" >&2 && return 1 ;;
    esac
    # shellcheck disable=SC2086 # words of options
    ffmpeg -hide_banner -benchmark -y "${raw[@]}" -i "$clip" -force_key_frames "expr:gte(t,n_forced*0.5)" -c:v "$1" $told -b:v "$2k" \
        -maxrate "$(($2 * 3 / 2))k" -bufsize "$2k" "$3" 2>&1 |
        sed -n 's/.*bench: utime=\([0-9.]*\)s stime=\([0-9.]*\)s.*/\1 \2/p' |
        awk -v n="$frames" '{printf "%.2f\n", ($1 + $2) * 1000 / n}'
}
ours() { ${BENCH:-cargo bench --quiet --bench encode --} "$@" 2>/dev/null | sed -n 's/.*cpu \([0-9.]*\) ms per frame.*/\1/p'; }
least() { sort -n | head -1; }
kbps() { stat -Lc %s "$1" | awk -v s="$seconds" '{printf "%.0f", $1 * 8 / 1000 / s}'; }
# Both sides are said to be of the same colours, or newer versions of ffmpeg convert one of them.
same=setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709
compare() { # FFMPEG FILE FILTER
    "$1" -hide_banner -r "$fps" -i "$2" "${raw[@]}" -i "$clip" -lavfi "[0:v]${same}[a];[1:v]${same}[b];[a][b]$3" -f null - 2>&1
}
quality() {
    echo "SSIM $(compare ffmpeg "$1" ssim | sed -n 's/.*All:\([0-9.]*\).*/\1/p'), PSNR Y $(compare ffmpeg "$1" psnr |
        sed -n 's/.*PSNR y:\([0-9.]*\).*/\1/p')$(vmaf "$1")"
}
vmaf() {
    [ -n "${FF_VMAF:-}" ] || return 0
    echo ", VMAF neg $(compare "$FF_VMAF" "$1" 'libvmaf=model=version=vmaf_v0.6.1neg:n_threads=2' | sed -n 's/.*VMAF score: \([0-9.]*\).*/\1/p')"
}
helper=$PWD/x264/target/release/watchcap-x264

for rate in $rates; do
    for _ in $(seq "$turns"); do
        x264 "$clip" "$frames" "$dir/x264.h264" -b:v "${rate}k" >>"$dir/cpu.x264"
        x264 "$clip" "$frames" "$dir/x264_g15.h264" -b:v "${rate}k" -g 15 >>"$dir/cpu.x264_g15"
        for quality in fast balanced sharp; do
            ours "$clip" "${repeats[@]}" --kbps "$rate" --quality "$quality" --out "$dir/$quality.h264" >>"$dir/cpu.$quality"
        done
        for name in ${CHILDREN:-}; do child "$name" "$rate" "$dir/$name.nut" >>"$dir/cpu.$name"; done
        [ ! -e "$helper" ] || ours "$clip" "${repeats[@]}" --kbps "$rate" --x264 "$helper" --out "$dir/helper.h264" >>"$dir/cpu.helper"
    done
    for name in x264 x264_g15 fast balanced sharp helper ${CHILDREN:-}; do
        [ -e "$dir/cpu.$name" ] || continue
        coded=$dir/$name.h264
        [ ! -e "$dir/$name.nut" ] || coded=$dir/$name.nut
        echo "$rate $name: $(least <"$dir/cpu.$name") ms, $(kbps "$coded") kbit/s, $(quality "$coded")"
        rm "$dir/cpu.$name"
    done
done
for _ in $(seq "$turns"); do
    x264 "$still" 150 "$dir/x264.h264" -b:v 8000k >>"$dir/cpu.x264"
    ours "$still" --still 149 >>"$dir/cpu.fast"
done
echo "still x264: $(least <"$dir/cpu.x264") ms; fast: $(least <"$dir/cpu.fast") ms"
rm "$dir"/cpu.*
