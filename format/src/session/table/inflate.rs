//! Bounds what a compressed page unpacks to, for the codecs whose decoder does not.
//!
//! The decoder of the table fills a buffer of the size that the page header declares for Snappy, Zstandard and raw LZ4. For gzip, Brotli and framed
//! LZ4 it reads to the end of the stream, whatever the header says, and for Brotli it allocates the window that the stream asks for. Invariant: a
//! page that passes unpacks to no more than its header declares. Damaged streams pass: the decoder stops at the same place with its own error.

use std::io::{self, Read};

use parquet::basic::Compression;

/// The first byte of a Brotli stream with a window above 16 MiB (up to 1 GiB): "large window", which no writer of tables uses. Its upper bit is data.
const LARGE_WINDOW: u8 = 0x11;

/// Whether the decoder unpacks pages of this codec without a bound.
pub(crate) fn is_unbounded(codec: Compression) -> bool {
    matches!(codec, Compression::GZIP(_) | Compression::BROTLI(_) | Compression::LZ4)
}

/// Checks that a page's compressed bytes unpack to at most `most` bytes.
pub(crate) fn check(codec: Compression, bytes: &[u8], most: u64) -> Result<(), String> {
    let unpacked = match codec {
        Compression::GZIP(_) => count(flate2::read::MultiGzDecoder::new(bytes), most),
        Compression::BROTLI(_) => {
            if bytes.first().is_some_and(|first| first & 0x7f == LARGE_WINDOW) {
                return Err("a page with a Brotli window above 16 MiB".to_owned());
            }
            count(brotli::Decompressor::new(bytes, BUFFER_BYTES), most)
        }
        // The decoder tries Hadoop's framing first, into a buffer of the declared size, and then this one.
        Compression::LZ4 => count(lz4_flex::frame::FrameDecoder::new(bytes), most),
        _ => 0,
    };
    if unpacked > most {
        return Err(format!("a page that unpacks to more than the {most} bytes that it declares"));
    }
    Ok(())
}

/// What is unpacked at a time.
const BUFFER_BYTES: usize = 16 << 10;

/// Bytes that come out, up to one more than `most`.
fn count(stream: impl Read, most: u64) -> u64 {
    let mut stream = stream.take(most.saturating_add(1));
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut total = 0;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return total,
            Ok(read) => total += read as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_damaged) => return total,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use parquet::basic::{BrotliLevel, GzipLevel};

    use super::*;

    fn zeros() -> Vec<u8> {
        vec![0; 1 << 20]
    }

    fn gzip() -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(&zeros()).expect("memory");
        out.finish().expect("memory")
    }

    fn brotli() -> Vec<u8> {
        let mut out = Vec::new();
        brotli::CompressorWriter::new(&mut out, 4096, 9, 22).write_all(&zeros()).expect("memory");
        out
    }

    fn lz4() -> Vec<u8> {
        let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
        out.write_all(&zeros()).expect("memory");
        out.finish().expect("memory")
    }

    #[test]
    fn a_page_that_unpacks_to_more_than_it_declares_does_not_pass() {
        let gz = Compression::GZIP(GzipLevel::default());
        let br = Compression::BROTLI(BrotliLevel::default());
        for (codec, bytes) in [(gz, gzip()), (br, brotli()), (Compression::LZ4, lz4())] {
            assert!(is_unbounded(codec) && bytes.len() < 10_000, "{codec}");
            assert_eq!(check(codec, &bytes, 1 << 20), Ok(()), "{codec}");
            assert!(check(codec, &bytes, (1 << 20) - 1).is_err(), "{codec}");
            // Several streams, one behind the other, are one to the decoder of gzip.
            if codec == gz {
                assert!(check(codec, &[&bytes[..], &bytes].concat(), 1 << 20).is_err());
            }
            // What is damaged is the decoder's matter.
            assert_eq!(check(codec, &bytes[..bytes.len() / 2], 1 << 20), Ok(()), "{codec}");
            assert_eq!(check(codec, b"", 0), Ok(()), "{codec}");
        }
    }

    #[test]
    fn a_window_of_a_gibibyte_does_not_pass() {
        assert!(check(Compression::BROTLI(BrotliLevel::default()), &[LARGE_WINDOW | 0x80, 30, 0, 0], 100).is_err());
        assert!(!is_unbounded(Compression::ZSTD(parquet::basic::ZstdLevel::default())));
    }
}
