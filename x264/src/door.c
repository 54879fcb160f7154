/* The C side of watchcap-x264: settings, the memory that pictures come through, and libx264 itself. Whatever depends on the layout of a
 * struct of x264.h stands here.
 *
 * Copyright (C) 2026 the authors of watchcap. This program is free software; you can redistribute it and/or modify it under the terms of the
 * GNU General Public License as published by the Free Software Foundation; either version 2 of the License, or (at your option) any later
 * version. It comes without any warranty; see LICENSE. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <x264.h>

struct door {
    x264_t *encoder;
    x264_param_t param;
    uint8_t *pictures;
    size_t picture_bytes;
    int64_t pts;
};

enum { CHROMA_420 = 0, CHROMA_444 = 1, PLANES_RGB = 2 };

int door_build(void) { return X264_BUILD; }

/* Keeps pictures out of core dumps, and nobody reads this memory: watchcap's own mark does not survive the start of a program. 0, or less. */
int door_private(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/* Opens the encoder. `quality` is 0 to 2, `pixels` one of those above; `lossless` is the predictor of exact coding. Pictures lie in the
 * memory of `fd`, one behind the other, `slots` of them. */
struct door *door_open(int fd, int width, int height, int fps, int slots, int quality, int pixels, int lossless) {
    static const char *const presets[] = {"ultrafast", "superfast", "veryfast"};
    struct door *door = calloc(1, sizeof *door);
    if (!door || quality < 0 || quality > 2) return NULL;
    x264_param_t *p = &door->param;
    if (x264_param_default_preset(p, presets[quality], "zerolatency") < 0) return NULL;
    p->i_width = width;
    p->i_height = height;
    /* Green, blue and red are coded as luma and chromas are: what the planes are, the stream says (matrix 0). */
    p->i_csp = pixels == CHROMA_420 ? X264_CSP_I420 : X264_CSP_I444;
    p->i_fps_num = (uint32_t)fps;
    p->i_fps_den = 1;
    p->i_timebase_num = 1;
    p->i_timebase_den = (uint32_t)fps;
    p->b_vfr_input = 0;
    p->i_log_level = X264_LOG_ERROR;
    /* One picture in, one out, on one thread; IDRs and quantisers are told with each picture. */
    p->i_threads = 1;
    p->b_sliced_threads = 0;
    p->i_sync_lookahead = 0;
    p->rc.i_lookahead = 0;
    p->rc.b_mb_tree = 0;
    p->i_bframe = 0;
    p->i_keyint_max = X264_KEYINT_MAX_INFINITE;
    p->i_keyint_min = 1;
    p->i_scenecut_threshold = 0;
    p->b_intra_refresh = 0;
    p->b_open_gop = 0;
    /* What lets watchcap write a picture of skipped macroblocks between these: variable-length codes, one reference, no weights. */
    p->b_cabac = 0;
    p->i_frame_reference = 1;
    p->i_dpb_size = 1;
    p->analyse.i_weighted_pred = X264_WEIGHTP_NONE;
    p->rc.i_rc_method = X264_RC_CQP;
    /* A quantiser that is told with a picture is clipped to what these give an I and a B picture: from 8 to 48. */
    p->rc.i_qp_constant = lossless ? 0 : 28;
    p->rc.f_ip_factor = 10.0f;
    p->rc.f_pb_factor = 10.0f;
    p->rc.i_aq_mode = X264_AQ_NONE;
    /* Parameter sets are handed over once; nothing else stands in the stream. */
    p->b_repeat_headers = 0;
    p->b_annexb = 1;
    p->b_aud = 0;
    p->vui.b_fullrange = pixels == PLANES_RGB;
    p->vui.i_colorprim = 1;
    p->vui.i_transfer = pixels == PLANES_RGB ? 13 : 1;
    p->vui.i_colmatrix = pixels == PLANES_RGB ? 0 : 1;
    if (pixels == CHROMA_420 && !lossless && x264_param_apply_profile(p, "baseline") < 0) return NULL;
    if ((pixels != CHROMA_420 || lossless) && x264_param_apply_profile(p, "high444") < 0) return NULL;
    size_t luma = (size_t)width * (size_t)height;
    door->picture_bytes = pixels == CHROMA_420 ? luma + 2 * (luma / 4) : luma * 3;
    size_t bytes = door->picture_bytes * (size_t)slots;
    struct stat found;
    if (fstat(fd, &found) < 0 || found.st_size < 0 || (size_t)found.st_size < bytes) return NULL;
    door->pictures = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (door->pictures == MAP_FAILED) return NULL;
    door->encoder = x264_encoder_open(p);
    return door->encoder ? door : NULL;
}

/* The parameter sets, behind start codes; the bytes are the library's until the next call. Their length, or less than 0. */
int door_headers(struct door *door, const uint8_t **out) {
    x264_nal_t *nals;
    int count;
    if (x264_encoder_headers(door->encoder, &nals, &count) < 0) return -1;
    int bytes = 0;
    /* Behind the parameter sets stands what the library says of itself. */
    for (int n = 0; n < count && nals[n].i_type != NAL_SEI; n++) bytes += nals[n].i_payload;
    *out = nals[0].p_payload;
    return bytes;
}

/* Encodes the picture of a slot. The length of the coded picture, or less than 0. */
int door_encode(struct door *door, int slot, int qp, int idr, const uint8_t **out, int *keyframe) {
    x264_picture_t in, made;
    x264_picture_init(&in);
    const x264_param_t *p = &door->param;
    uint8_t *at = door->pictures + door->picture_bytes * (size_t)slot;
    in.i_pts = door->pts++;
    in.i_type = idr ? X264_TYPE_IDR : X264_TYPE_P;
    in.i_qpplus1 = qp + 1;
    in.img.i_csp = p->i_csp;
    size_t luma = (size_t)p->i_width * (size_t)p->i_height;
    int across = p->i_csp == X264_CSP_I444 ? p->i_width : p->i_width / 2;
    size_t chroma = p->i_csp == X264_CSP_I444 ? luma : luma / 4;
    in.img.i_plane = 3;
    in.img.plane[0] = at;
    in.img.plane[1] = at + luma;
    in.img.plane[2] = at + luma + chroma;
    in.img.i_stride[0] = p->i_width;
    in.img.i_stride[1] = in.img.i_stride[2] = across;
    x264_nal_t *nals;
    int count, bytes = x264_encoder_encode(door->encoder, &nals, &count, &in, &made);
    if (bytes <= 0) return -1;
    *out = nals[0].p_payload;
    *keyframe = made.b_keyframe;
    return bytes;
}
