//! A table in blocks of some ten thousand rows, any of which is read by itself.
//!
//! A block is a page of `t_ns` as the file's page index has it, so its time span is known without reading it; where there is no
//! such index (or it does not fit what is there) the times of a row group are read and cut. Reading a block decodes the pages of
//! each column that hold its rows, and leaves out the columns that nobody shows. Invariant: as [`crate::session::table::read`], hostile files
//! give errors; the page index is only followed to pages that were checked.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::base::arrow::array::{Array as _, AsArray as _, RecordBatch};
use crate::base::arrow::datatypes::Int64Type;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMask, PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use super::batch::{Batch, OMISSIBLE};
use super::row::OwnedRow;
use crate::session::table::guard::{self, Growth};
use crate::session::table::read::{EventsReader, ReadError, guarded};

/// Rows of a block where the file's pages do not say: a page has about as many (20,480).
const BLOCK_ROWS: usize = 16_384;
/// The most rows of a page that is a block: half as much again as the writer's.
const MAX_BLOCK_ROWS: i64 = 32_768;
/// Rows decoded at once: they stay in the cache of a core.
const BATCH_ROWS: usize = 4096;
/// Where more than this share of a block's rows is wanted, choosing them costs more than it saves.
const FEW: usize = 4;

/// Some rows of a row group, one behind the other.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Block {
    group: usize,
    /// Inside of the group.
    rows: Range<usize>,
    span_ns: (i64, i64),
}

/// An `events.parquet`, open to be read here and there.
pub struct Pages {
    events: EventsReader,
    /// The footer with the page index, where that can be used.
    indexed: Option<ArrowReaderMetadata>,
    blocks: Vec<Block>,
    /// Row groups whose pages were looked at.
    checked: Vec<AtomicUsize>,
}

impl Pages {
    /// Opens a table: reads its footer and its page index; times only where there is none.
    ///
    /// # Errors
    /// As [`EventsReader::open`].
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let events = EventsReader::open(path)?;
        let indexed = page_index(&events);
        let checked = events.groups().iter().map(|_| AtomicUsize::new(0)).collect();
        let mut pages = Self { events, indexed, blocks: Vec::new(), checked };
        let mut blocks = Vec::new();
        for group in 0..pages.checked.len() {
            match pages.named_blocks(group) {
                Some(mut named) => blocks.append(&mut named),
                None => pages.read_blocks(group, &mut blocks)?,
            }
        }
        pages.blocks = blocks;
        Ok(pages)
    }

    /// How many blocks there are.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Smallest and largest `t_ns` of a block.
    pub fn span_ns(&self, block: usize) -> Option<(i64, i64)> {
        self.blocks.get(block).map(|block| block.span_ns)
    }

    /// The last block that begins at or before an instant; the first when there is none.
    pub fn at(&self, t_ns: i64) -> usize {
        self.blocks.partition_point(|block| block.span_ns.0 <= t_ns).saturating_sub(1)
    }

    /// The blocks of a group as the page index has them; `None` when it cannot be used.
    fn named_blocks(&self, group: usize) -> Option<Vec<Block>> {
        let index = self.indexed.as_ref()?.metadata().page_index()?;
        let total = i64::try_from(self.events.groups().get(group)?.rows).ok()?;
        let (Some(ColumnIndexMetaData::INT64(times)), Some(pages)) =
            (index.column_index(group, 0), index.page_locations(group, 0))
        else {
            return None;
        };
        let (least, most) = (times.min_values(), times.max_values());
        if least.len() != pages.len() || most.len() != pages.len() {
            return None;
        }
        let mut blocks: Vec<Block> = Vec::new();
        for (page, named) in pages.iter().enumerate() {
            let end = pages.get(page + 1).map_or(total, |next| next.first_row_index);
            let sound = named.first_row_index >= 0
                && (page > 0 || named.first_row_index == 0)
                && (1..=MAX_BLOCK_ROWS).contains(&end.checked_sub(named.first_row_index)?)
                && least[page] <= most[page];
            if !sound {
                return None;
            }
            let rows = named.first_row_index as usize..end as usize;
            let span_ns = (least[page], most[page]);
            // Pages of a few rows each are no blocks: for each block something is kept.
            match blocks.last_mut() {
                Some(Block { rows: before, span_ns: other, .. }) if before.len() + rows.len() <= BLOCK_ROWS => {
                    before.end = rows.end;
                    *other = (other.0.min(span_ns.0), other.1.max(span_ns.1));
                }
                _ => blocks.push(Block { group, rows, span_ns }),
            }
        }
        (!blocks.is_empty()).then_some(blocks)
    }

    /// The blocks of a group, cut by its times.
    fn read_blocks(&self, group: usize, blocks: &mut Vec<Block>) -> Result<(), ReadError> {
        let failed = |why| self.events.rows_error(group, why);
        let rows = 0..usize::try_from(self.events.groups()[group].rows).unwrap_or(usize::MAX);
        let mut batches = self.open_rows(group, consecutive(&rows), vec![0]).map_err(failed)?;
        let mut at = 0;
        let mut open: Option<Block> = None;
        while let Some(batch) = guarded(|| batches.next().transpose()).map_err(failed)? {
            let times = times_of(&batch).map_err(failed)?;
            for t_ns in times.values() {
                let block = open.get_or_insert(Block { group, rows: at..at, span_ns: (*t_ns, *t_ns) });
                at += 1;
                block.rows.end = at;
                block.span_ns = (block.span_ns.0.min(*t_ns), block.span_ns.1.max(*t_ns));
                if block.rows.len() == BLOCK_ROWS {
                    blocks.extend(open.take());
                }
            }
        }
        blocks.extend(open);
        Ok(())
    }

    /// Hands over the rows of a block, in order, without the columns that nobody shows.
    ///
    /// # Errors
    /// When they cannot be decoded.
    pub fn each(&self, block: usize, take: &mut dyn FnMut(&OwnedRow)) -> Result<(), ReadError> {
        let Some(block) = self.blocks.get(block) else { return Ok(()) };
        self.hand_over(block, consecutive(&block.rows), &mut |row| take(row))
    }

    /// Hands over time and event type of the rows of a block, in order: a twentieth of the work of [`Self::each`].
    ///
    /// # Errors
    /// When they cannot be decoded.
    pub fn each_kind(&self, block: usize, take: &mut dyn FnMut(i64, &str)) -> Result<(), ReadError> {
        let Some(Block { group, rows, .. }) = self.blocks.get(block).cloned() else { return Ok(()) };
        let failed = |why| self.events.rows_error(group, why);
        let mut batches = self.open_rows(group, consecutive(&rows), vec![0, 1]).map_err(failed)?;
        while let Some(batch) = guarded(|| batches.next().transpose()).map_err(failed)? {
            let times = times_of(&batch).map_err(failed)?;
            let kinds = batch.columns().get(1).and_then(|column| column.as_string_opt::<i32>());
            let kinds = kinds.ok_or_else(|| failed("a column of another type".to_owned()))?;
            for (at, t_ns) in times.values().iter().enumerate() {
                take(*t_ns, kinds.value(at));
            }
        }
        Ok(())
    }

    /// Hands over the rows of a block whose event type is wanted, in order, without the columns that nobody shows. Of the others only
    /// time and type are decoded: where few are wanted, a small part of the work of [`Self::each`].
    ///
    /// # Errors
    /// When they cannot be decoded.
    pub fn each_of(
        &self,
        block: usize,
        wanted: &dyn Fn(&str) -> bool,
        take: &mut dyn FnMut(&OwnedRow),
    ) -> Result<(), ReadError> {
        let Some(Block { rows, .. }) = self.blocks.get(block) else { return Ok(()) };
        let (mut chosen, mut at) = (Vec::new(), 0);
        self.each_kind(block, &mut |_, kind| {
            if wanted(kind) {
                chosen.push(at);
            }
            at += 1;
        })?;
        if chosen.is_empty() {
            return Ok(());
        }
        if chosen.len() > rows.len() / FEW {
            return self.each(block, &mut |row| {
                if wanted(&row.event_type) {
                    take(row);
                }
            });
        }
        let ranges = chosen.iter().map(|at| rows.start + at..rows.start + at + 1);
        let selection = RowSelection::from_consecutive_ranges(ranges, rows.end);
        let mut places = chosen.iter().enumerate();
        self.hand_over(&self.blocks[block], selection, &mut |row| {
            // Counted as if all before it had been chosen.
            row.seq += places.next().map_or(0, |(before, at)| (at - before) as i64);
            take(row);
        })
    }

    /// Decodes the chosen rows of a block without the columns that nobody shows, numbered from the block's first.
    fn hand_over(
        &self,
        &Block { group, ref rows, .. }: &Block,
        selection: RowSelection,
        take: &mut dyn FnMut(&mut OwnedRow),
    ) -> Result<(), ReadError> {
        let mut seq = (self.events.groups()[group].first_row + rows.start as u64) as i64;
        let failed = |why| self.events.rows_error(group, why);
        let version = self.events.version();
        let roots = (0..self.events.columns().len()).filter(|column| !OMISSIBLE.contains(column)).collect();
        let mut batches = self.open_rows(group, selection, roots).map_err(failed)?;
        let mut row = OwnedRow::default();
        while let Some(batch) = guarded(|| batches.next().transpose()).map_err(failed)? {
            let count = batch.num_rows() as i64;
            let mut batch = Batch::new(&batch, version, seq, false).map_err(failed)?;
            while batch.next_into(&mut row) {
                take(&mut row);
            }
            seq += count;
        }
        Ok(())
    }

    /// Opens chosen rows of a group for decoding; its pages are checked first, once.
    fn open_rows(
        &self,
        group: usize,
        selection: RowSelection,
        roots: Vec<usize>,
    ) -> Result<ParquetRecordBatchReader, String> {
        let footer = self.events.footer();
        let leaves = self.events.leaves();
        let index = self.indexed.as_ref().and_then(|indexed| {
            let index = indexed.metadata().page_index()?;
            (0..leaves).map(|leaf| Some(index.page_locations(group, leaf)?.as_slice())).collect::<Option<Vec<_>>>()
        });
        guarded(|| {
            let mut batch_rows = self.checked[group].load(Ordering::Relaxed);
            if batch_rows == 0 {
                let info = footer.metadata().row_group(group);
                batch_rows = guard::check_row_group(
                    self.events.file(),
                    info,
                    0..leaves,
                    index.as_deref(),
                    BATCH_ROWS,
                    Growth::OURS,
                )
                .map_err(ParquetError::General)?;
                self.checked[group].store(batch_rows, Ordering::Relaxed);
            }
            let metadata = match &self.indexed {
                Some(indexed) if index.is_some() => indexed,
                _ => footer,
            };
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.events.file().clone(), metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(ProjectionMask::roots(metadata.parquet_schema(), roots))
                .with_row_selection(selection)
                .with_batch_size(batch_rows)
                .build()
        })
    }
}

/// Rows one behind the other.
fn consecutive(rows: &Range<usize>) -> RowSelection {
    RowSelection::from(vec![RowSelector::skip(rows.start), RowSelector::select(rows.len())])
}

fn times_of(batch: &RecordBatch) -> Result<&crate::base::arrow::array::Int64Array, String> {
    let times = batch.columns().first().and_then(|column| column.as_primitive_opt::<Int64Type>());
    times.filter(|times| times.null_count() == 0).ok_or_else(|| "a column of another type".to_owned())
}

/// The footer with its page index, when there is one that can be read.
fn page_index(events: &EventsReader) -> Option<ArrowReaderMetadata> {
    let footer = events.footer().metadata();
    if !guard::index_is_bounded(events.file(), footer.row_groups()) {
        return None;
    }
    let whole = guarded(|| {
        let mut reader = ParquetMetaDataReader::new_with_metadata(footer.as_ref().clone())
            .with_page_index_policy(PageIndexPolicy::Optional)
            .with_column_index_mask(ColumnChunkMask::columns([0]));
        reader.read_page_indexes(events.file())?;
        ArrowReaderMetadata::try_new(
            Arc::new(reader.finish()?),
            ArrowReaderOptions::new().with_skip_arrow_metadata(true),
        )
    });
    whole.inspect_err(|why| tracing::debug!(why, "the page index cannot be read")).ok()
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
