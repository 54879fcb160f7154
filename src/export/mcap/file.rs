//! An MCAP file that is being written: topics that are declared first, messages, the manifest as a metadata record.
//!
//! Keeps the invariant that the bytes are a function of what is written: chunks of a fixed size, compressed by one thread.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};

use ::mcap::records::{MessageHeader, Metadata};
use ::mcap::{Compression, McapError, McapResult, WriteOptions};
use serde::Serialize;

/// Bytes of a chunk before it is compressed: what readers fetch to seek.
const CHUNK_BYTES: u64 = 1 << 20;

/// A topic and what its messages are.
#[derive(Clone, Copy, Debug)]
pub struct Topic {
    /// Its name.
    pub name: &'static str,
    /// The schema's name.
    pub schema: &'static str,
    /// How the schema is written: `jsonschema` or `protobuf`.
    pub schema_encoding: &'static str,
    /// How messages are written: `json` or `protobuf`.
    pub encoding: &'static str,
    /// The schema.
    pub text: &'static [u8],
}

impl Topic {
    /// Declares a topic of JSON messages.
    pub(super) const fn json(name: &'static str, schema: &'static str, text: &'static str) -> Self {
        Self { name, schema, schema_encoding: "jsonschema", encoding: "json", text: text.as_bytes() }
    }
}

/// The file.
pub(super) struct McapFile {
    file: ::mcap::Writer<BufWriter<File>>,
    /// Channel and number of messages of each topic.
    channels: Vec<(u16, u32)>,
    text: Vec<u8>,
}

impl McapFile {
    /// Begins a file; `about` goes into its metadata.
    pub(super) fn new(file: File, profile: &str, topics: &[Topic], about: &str) -> McapResult<Self> {
        let mut file = WriteOptions::new()
            .profile(profile)
            .library(concat!("watchcap ", env!("CARGO_PKG_VERSION")))
            .compression(Some(Compression::Zstd))
            .compression_level(3)
            // One thread: the chunks are the same bytes on every machine.
            .compression_threads(0)
            .chunk_size(Some(CHUNK_BYTES))
            .create(BufWriter::with_capacity(1 << 20, file))?;
        let metadata = [("manifest".to_owned(), about.to_owned())].into();
        file.write_metadata(&Metadata { name: "watchcap.export".into(), metadata })?;
        let mut channels = Vec::with_capacity(topics.len());
        for topic in topics {
            let schema = file.add_schema(topic.schema, topic.schema_encoding, topic.text)?;
            channels.push((file.add_channel(schema, topic.name, topic.encoding, &BTreeMap::new())?, 0));
        }
        Ok(Self { file, channels, text: Vec::new() })
    }

    /// Adds a message as JSON; `topic` is the place of the topic among those that were declared, `time` nanoseconds since 1970.
    pub(super) fn push(&mut self, topic: usize, time: i64, message: &impl Serialize) -> McapResult<()> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        serde_json::to_writer(&mut text, message).map_err(|error| McapError::Io(error.into()))?;
        let written = self.push_bytes(topic, time, &text);
        self.text = text;
        written
    }

    /// Adds a message that is encoded already.
    pub(super) fn push_bytes(&mut self, topic: usize, time: i64, message: &[u8]) -> McapResult<()> {
        let (channel_id, sequence) = self.channels[topic];
        self.channels[topic].1 = sequence.wrapping_add(1);
        let time = u64::try_from(time).unwrap_or(0);
        let header = MessageHeader { channel_id, sequence, log_time: time, publish_time: time };
        self.file.write_to_known_channel(&header, message)
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> McapResult<()> {
        self.file.finish()?;
        self.file.into_inner().flush()?;
        Ok(())
    }
}
