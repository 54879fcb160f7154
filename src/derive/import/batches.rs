//! The rows of another recorder's table, batch by batch.

use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::batch::Batch;
use super::error::ImportError;
use super::table::ForeignTable;
use crate::session::table::read::guarded;

impl ForeignTable {
    /// Its rows, batch by batch, in the order of the file.
    pub(crate) fn batches(&self) -> Batches<'_> {
        Batches { table: self, group: 0, open: None, first: 0 }
    }
}

/// The batches of a table; see [`ForeignTable::batches`].
pub(crate) struct Batches<'a> {
    table: &'a ForeignTable,
    group: usize,
    open: Option<ParquetRecordBatchReader>,
    /// Index of the next batch's first row.
    first: u64,
}

impl<'a> Batches<'a> {
    /// The next batch; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Batch<'a>>, ImportError> {
        let failed = |group, why| ImportError::Rows { path: self.table.path.clone(), group, why };
        loop {
            if let Some(open) = &mut self.open {
                match guarded(|| open.next().transpose()).map_err(|why| failed(self.group - 1, why))? {
                    Some(batch) if batch.num_rows() == 0 => continue,
                    Some(batch) => {
                        let first = self.first;
                        self.first += batch.num_rows() as u64;
                        return Batch::new(self.table, &batch, first).map(Some);
                    }
                    None => self.open = None,
                }
            }
            if self.group >= self.table.metadata.metadata().num_row_groups() {
                return Ok(None);
            }
            self.open = Some(self.table.open_group(self.group).map_err(|why| failed(self.group, why))?);
            self.group += 1;
        }
    }
}
