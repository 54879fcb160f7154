//! The encoders of ffmpeg that are used, and how each is told to answer at once: no picture looked at ahead, none out of order, and no
//! IDR but where one is asked for.

use crate::encode::kind::Codec;
use crate::encode::settings::Quality;

/// One encoder of ffmpeg.
#[derive(Clone, Copy, Debug)]
pub struct Flavour {
    /// Its name on our command line.
    pub name: &'static str,
    /// Its name on ffmpeg's.
    pub encoder: &'static str,
    /// What it makes.
    pub codec: Codec,
    /// What to choose it for.
    pub about: &'static str,
    /// What ffmpeg is told before its input.
    pub before: &'static str,
    /// Behind it: how it answers at once.
    pub behind: &'static str,
    /// The preset for [`Quality::Fast`], [`Quality::Balanced`] and [`Quality::Sharp`]; empty where there are none.
    pub presets: [&'static str; 3],
    /// Its name on ffmpeg's for planes of green, blue and red without a loss; one that has it takes 4:4:4 as well.
    pub lossless: Option<&'static str>,
}

impl Flavour {
    /// Returns the preset of a quality.
    pub(super) fn preset(&self, quality: Quality) -> &'static str {
        self.presets[match quality {
            Quality::Fast => 0,
            Quality::Balanced => 1,
            Quality::Sharp => 2,
        }]
    }

    /// Returns the option that takes the preset.
    pub(super) fn preset_option(&self) -> &'static str {
        if self.encoder == LIBAOM.encoder { "-cpu-used" } else { "-preset" }
    }
}

/// NVENC's presets, from the fastest.
const NVENC: [&str; 3] = ["p1", "p3", "p5"];
/// Its low latency: every picture is answered before the next is taken, and a forced keyframe is an IDR.
const NVENC_BEHIND: &str =
    "-tune ull -rc cbr -bf 0 -g 1000000 -forced-idr 1 -no-scenecut 1 -rc-lookahead 0 -delay 0 -zerolatency 1";
/// The first device for pictures that the system has.
const VAAPI_BEFORE: &str = "-vaapi_device /dev/dri/renderD128";
/// VA-API makes an IDR of every forced keyframe; `-async_depth 1` is answering at once.
const VAAPI_BEHIND: &str = "-vf format=nv12,hwupload -bf 0 -g 65535 -async_depth 1";
const QSV: [&str; 3] = ["veryfast", "fast", "medium"];
const QSV_BEHIND: &str = "-bf 0 -g 65535 -forced_idr 1 -async_depth 1 -look_ahead 0";
const VIDEOTOOLBOX_BEHIND: &str = "-realtime 1 -bf 0 -g 65535 -allow_sw 0";

/// libx264, in software.
pub static LIBX264: Flavour = Flavour {
    name: "ffmpeg:libx264",
    encoder: "libx264",
    codec: Codec::H264,
    about: "by ffmpeg, on the CPU; sharper than the built-in one at the same bits",
    before: "",
    behind: "-tune zerolatency -forced-idr 1 -x264-params keyint=infinite:scenecut=0:bframes=0:open-gop=0",
    presets: ["ultrafast", "superfast", "veryfast"],
    lossless: Some("libx264rgb"),
};

/// libx265, in software.
pub static LIBX265: Flavour = Flavour {
    name: "ffmpeg:libx265",
    encoder: "libx265",
    codec: Codec::H265,
    about: "by ffmpeg, on the CPU; about five times the work of H.264",
    before: "",
    behind: "-tune zerolatency -forced-idr 1 -x265-params \
             keyint=-1:scenecut=0:bframes=0:rc-lookahead=0:open-gop=0:frame-threads=1:info=0:log-level=error",
    presets: ["ultrafast", "superfast", "veryfast"],
    lossless: None,
};

/// libaom, in software: the one encoder of AV1 for the CPU here that makes a key frame when it is told to.
pub static LIBAOM: Flavour = Flavour {
    name: "ffmpeg:libaom-av1",
    encoder: "libaom-av1",
    codec: Codec::Av1,
    about: "by ffmpeg, on the CPU; about five times the work of H.264",
    before: "",
    behind: "-usage realtime -lag-in-frames 0 -g 1000000 -row-mt 1",
    presets: ["8", "7", "6"],
    lossless: None,
};

/// NVIDIA's H.264.
pub static H264_NVENC: Flavour = Flavour {
    name: "ffmpeg:h264_nvenc",
    encoder: "h264_nvenc",
    codec: Codec::H264,
    about: "by ffmpeg, on a graphics card of NVIDIA",
    before: "",
    behind: NVENC_BEHIND,
    presets: NVENC,
    lossless: None,
};

/// NVIDIA's H.265.
pub static HEVC_NVENC: Flavour = Flavour {
    name: "ffmpeg:hevc_nvenc",
    encoder: "hevc_nvenc",
    codec: Codec::H265,
    about: "by ffmpeg, on a graphics card of NVIDIA",
    before: "",
    behind: NVENC_BEHIND,
    presets: NVENC,
    lossless: None,
};

/// NVIDIA's AV1.
pub static AV1_NVENC: Flavour = Flavour {
    name: "ffmpeg:av1_nvenc",
    encoder: "av1_nvenc",
    codec: Codec::Av1,
    about: "by ffmpeg, on a graphics card of NVIDIA",
    before: "",
    behind: NVENC_BEHIND,
    presets: NVENC,
    lossless: None,
};

/// H.264 through VA-API.
pub static H264_VAAPI: Flavour = Flavour {
    name: "ffmpeg:h264_vaapi",
    encoder: "h264_vaapi",
    codec: Codec::H264,
    about: "by ffmpeg, on graphics of Intel and AMD under Linux",
    before: VAAPI_BEFORE,
    behind: VAAPI_BEHIND,
    presets: [""; 3],
    lossless: None,
};

/// H.265 through VA-API.
pub static HEVC_VAAPI: Flavour = Flavour {
    name: "ffmpeg:hevc_vaapi",
    encoder: "hevc_vaapi",
    codec: Codec::H265,
    about: "by ffmpeg, on graphics of Intel and AMD under Linux",
    before: VAAPI_BEFORE,
    behind: VAAPI_BEHIND,
    presets: [""; 3],
    lossless: None,
};

/// AV1 through VA-API.
pub static AV1_VAAPI: Flavour = Flavour {
    name: "ffmpeg:av1_vaapi",
    encoder: "av1_vaapi",
    codec: Codec::Av1,
    about: "by ffmpeg, on graphics of Intel and AMD under Linux",
    before: VAAPI_BEFORE,
    behind: VAAPI_BEHIND,
    presets: [""; 3],
    lossless: None,
};

/// H.264 by Intel's Quick Sync.
pub static H264_QSV: Flavour = Flavour {
    name: "ffmpeg:h264_qsv",
    encoder: "h264_qsv",
    codec: Codec::H264,
    about: "by ffmpeg, on graphics of Intel (Quick Sync)",
    before: "",
    behind: QSV_BEHIND,
    presets: QSV,
    lossless: None,
};

/// H.265 by Intel's Quick Sync.
pub static HEVC_QSV: Flavour = Flavour {
    name: "ffmpeg:hevc_qsv",
    encoder: "hevc_qsv",
    codec: Codec::H265,
    about: "by ffmpeg, on graphics of Intel (Quick Sync)",
    before: "",
    behind: QSV_BEHIND,
    presets: QSV,
    lossless: None,
};

/// AV1 by Intel's Quick Sync.
pub static AV1_QSV: Flavour = Flavour {
    name: "ffmpeg:av1_qsv",
    encoder: "av1_qsv",
    codec: Codec::Av1,
    about: "by ffmpeg, on graphics of Intel (Quick Sync)",
    before: "",
    // Without lookahead, which is no option of this one.
    behind: "-bf 0 -g 65535 -forced_idr 1 -async_depth 1",
    presets: QSV,
    lossless: None,
};

/// H.264 on a Mac.
pub static H264_VIDEOTOOLBOX: Flavour = Flavour {
    name: "ffmpeg:h264_videotoolbox",
    encoder: "h264_videotoolbox",
    codec: Codec::H264,
    about: "by ffmpeg, on the hardware of a Mac",
    before: "",
    behind: VIDEOTOOLBOX_BEHIND,
    presets: [""; 3],
    lossless: None,
};

/// H.265 on a Mac.
pub static HEVC_VIDEOTOOLBOX: Flavour = Flavour {
    name: "ffmpeg:hevc_videotoolbox",
    encoder: "hevc_videotoolbox",
    codec: Codec::H265,
    about: "by ffmpeg, on the hardware of a Mac",
    before: "",
    behind: VIDEOTOOLBOX_BEHIND,
    presets: [""; 3],
    lossless: None,
};
