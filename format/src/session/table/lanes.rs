//! The threads that encode columns: each lane has columns of its own and gets them in the order of the rows.
//!
//! Invariant: what a lane makes depends on the batches and not on when they come. Knows no file.

use std::sync::Arc;
use std::thread::JoinHandle;

use crate::base::arrow::array::ArrayRef;
use crate::base::arrow::datatypes::SchemaRef;
use crossbeam_channel::{Receiver, Sender, bounded};
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::errors::ParquetError;

use super::columns::HashInput;

/// Batches waiting for a lane: one being filled, one waiting, one in work; 3 × 6 MB.
const LANE_QUEUE: usize = 1;

/// Row groups encoded and not yet written: one being encoded, one finished; 2 × about 8 MB.
pub(crate) const PENDING_GROUPS: usize = 2;

/// The field of the hashes, which the first lane makes.
pub(crate) const HASH_FIELD: usize = 10;
const MAP_FIELD: usize = 11;

/// Which fields the first lane encodes, besides making the hashes; the second lane encodes the others. By measured
/// weight: hashes, their column and the cheap numbers against the map, the strings and the motion.
const FIRST_LANE: [usize; 9] = [0, 2, 3, 4, 6, 7, HASH_FIELD, 12, 16];

/// The lane of a leaf. Every field has one leaf, but the map, which has two.
pub(crate) fn lane_of(leaf: usize) -> usize {
    let field = if leaf > MAP_FIELD { leaf - 1 } else { leaf };
    usize::from(!FIRST_LANE.contains(&field))
}

/// A batch for a lane.
pub(crate) struct Work {
    pub(crate) columns: Arc<Vec<ArrayRef>>,
    /// For the first lane: what it makes the hashes of.
    pub(crate) hash: Option<HashInput>,
    /// Writers of the lane's leaves, when a row group begins with this batch.
    pub(crate) writers: Option<Vec<(usize, ArrowColumnWriter)>>,
    pub(crate) ends_group: bool,
}

/// The finished columns of a row group, by their leaf.
pub(crate) type Chunks = Result<Vec<(usize, ArrowColumnChunk)>, ParquetError>;

/// A thread that encodes some of the columns.
pub(crate) struct Lane {
    work: Option<Sender<Work>>,
    pub(crate) done: Receiver<Chunks>,
    thread: Option<JoinHandle<()>>,
}

impl Lane {
    /// Starts a lane, the first or the second.
    pub(crate) fn start(schema: &SchemaRef, first: bool) -> std::io::Result<Self> {
        let (work, work_receiver) = bounded::<Work>(LANE_QUEUE);
        let (done_sender, done) = bounded::<Chunks>(PENDING_GROUPS);
        let schema = Arc::clone(schema);
        let name = if first { "table-hash" } else { "table-text" };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut writers = Vec::new();
            for work in work_receiver {
                let done = match encode(&schema, first, work, &mut writers) {
                    Ok(None) => continue,
                    Ok(Some(chunks)) => Ok(chunks),
                    Err(error) => Err(error),
                };
                let failed = done.is_err();
                if done_sender.send(done).is_err() || failed {
                    return;
                }
            }
        })?;
        Ok(Self { work: Some(work), done, thread: Some(thread) })
    }

    /// Hands it a batch; false when the thread is gone.
    pub(crate) fn send(&self, work: Work) -> bool {
        self.work.as_ref().is_some_and(|lane| lane.send(work).is_ok())
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // Without work the thread ends; its last results fit into the channel.
        drop(self.work.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was already reported as `LaneGone`.
            drop(thread.join());
        }
    }
}

/// Encodes the lane's columns of a batch; the finished chunks when the row group ends.
fn encode(
    schema: &SchemaRef,
    first: bool,
    work: Work,
    writers: &mut Vec<(usize, ArrowColumnWriter)>,
) -> Result<Option<Vec<(usize, ArrowColumnChunk)>>, ParquetError> {
    if let Some(new) = work.writers {
        *writers = new;
    }
    let mut hashes = match work.hash {
        Some(input) => Some(input.column()?),
        None => None,
    };
    let mut writers_left = writers.iter_mut();
    // Without columns, the row group only ends.
    for (index, (field, column)) in schema.fields().iter().zip(work.columns.iter()).enumerate() {
        if FIRST_LANE.contains(&index) != first {
            continue;
        }
        let array =
            if index == HASH_FIELD { hashes.take().unwrap_or_else(|| Arc::clone(column)) } else { Arc::clone(column) };
        for (leaf, (_, writer)) in compute_leaves(field, &array)?.iter().zip(&mut writers_left) {
            writer.write(leaf)?;
        }
    }
    if !work.ends_group {
        return Ok(None);
    }
    writers.drain(..).map(|(leaf, writer)| Ok((leaf, writer.close()?))).collect::<Result<_, _>>().map(Some)
}
