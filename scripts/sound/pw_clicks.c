// Plays the click track of scripts/sound_rig.py to a sink of PipeWire, and says when the graph plays which sample.
//   pw_clicks SINK SECONDS > truth       cc pw_clicks.c $(pkg-config --cflags --libs libpipewire-0.3) -lm
// Lines: `M monotonic_ns sample`, the first sample of each period of the graph and when it leaves.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <pipewire/pipewire.h>
#include <spa/param/audio/format-utils.h>

#define RATE 48000

struct player {
    struct pw_main_loop *loop;
    struct pw_stream *stream;
    long played;
};

// Clicks are half a second apart, each 0 to 200 ms later, so that none can be taken for another.
static long click_at(long number) {
    return 24000 + number * 24000 + ((number * 7919) % 11) * 960;
}

static float sample(long at) {
    long number = (at - 24000) / 24000;
    for (long near = number - 1; near <= number; near++) {
        long since = at - click_at(near);
        if (near >= 0 && since >= 0 && since < 96)
            return 0.9f * cosf((float)since * 2.0f * (float)M_PI * 3000.0f / RATE) * (1.0f - (float)since / 96.0f);
    }
    return 0.0f;
}

static void on_process(void *data) {
    struct player *player = data;
    struct pw_time time;
    pw_stream_get_time_n(player->stream, &time, sizeof time);
    struct pw_buffer *buffer = pw_stream_dequeue_buffer(player->stream);
    if (buffer == NULL)
        return;
    struct spa_data *plane = &buffer->buffer->datas[0];
    float *out = plane->data;
    long frames = plane->maxsize / 8;
    if (buffer->requested > 0 && (long)buffer->requested < frames)
        frames = buffer->requested;
    for (long i = 0; i < frames; i++)
        out[2 * i] = out[2 * i + 1] = sample(player->played + i);
    plane->chunk->offset = 0;
    plane->chunk->stride = 8;
    plane->chunk->size = frames * 8;
    long rate = time.rate.denom ? time.rate.denom : 1;
    printf("M %ld %ld\n", (long)time.now + (long)time.delay * 1000000000 / rate, player->played);
    player->played += frames;
    pw_stream_queue_buffer(player->stream, buffer);
}

static const struct pw_stream_events events = {PW_VERSION_STREAM_EVENTS, .process = on_process};

static void on_end(void *data, uint64_t count) {
    (void)count;
    pw_main_loop_quit(((struct player *)data)->loop);
}

int main(int count, char **arguments) {
    if (count < 3)
        return 2;
    pw_init(&count, &arguments);
    struct player player = {.loop = pw_main_loop_new(NULL)};
    struct pw_properties *properties = pw_properties_new(
        PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY, "Playback", PW_KEY_MEDIA_ROLE, "Game", PW_KEY_TARGET_OBJECT,
        arguments[1], PW_KEY_NODE_LATENCY, "480/48000", NULL);
    player.stream = pw_stream_new_simple(pw_main_loop_get_loop(player.loop), "clicks", properties, &events, &player);
    uint8_t room[1024];
    struct spa_pod_builder builder = SPA_POD_BUILDER_INIT(room, sizeof room);
    struct spa_audio_info_raw info = {.format = SPA_AUDIO_FORMAT_F32_LE, .channels = 2, .rate = RATE};
    const struct spa_pod *params[1] = {spa_format_audio_raw_build(&builder, SPA_PARAM_EnumFormat, &info)};
    pw_stream_connect(
        player.stream, PW_DIRECTION_OUTPUT, PW_ID_ANY, PW_STREAM_FLAG_AUTOCONNECT | PW_STREAM_FLAG_MAP_BUFFERS, params, 1);
    struct spa_source *timer = pw_loop_add_timer(pw_main_loop_get_loop(player.loop), on_end, &player);
    struct timespec end = {.tv_sec = atol(arguments[2])};
    pw_loop_update_timer(pw_main_loop_get_loop(player.loop), timer, &end, NULL, false);
    pw_main_loop_run(player.loop);
    return 0;
}
