//! The table of another recorder: its columns by name, whatever their order and compression, batch by batch.
//!
//! Keeps the invariant that hostile files give errors: pages are looked at before the decoder sees them, as for tables of this format.

use std::path::{Path, PathBuf};

use crate::base::arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use watchcap_migrations::session::v1_0;

use super::error::ImportError;
use super::options::{Options, PixelArea};
use super::pads;
use crate::session::table::guard::{self, Growth};
use crate::session::table::positioned::PositionedFile;
use crate::session::table::read::{guarded, open_footer};
use crate::session::table::schema;
use crate::session::table::schema::column;

/// Rows decoded at once.
pub(crate) const BATCH_ROWS: usize = 4096;
/// Most columns of a table; 1.1.0 has 20.
const MAX_COLUMNS: usize = 256;

/// An open table.
pub(crate) struct ForeignTable {
    pub(super) path: PathBuf,
    /// What was told of its values.
    pub(crate) told: Options,
    /// The area that positions are pixels of; `None` when they are fractions.
    pub(crate) pixels: Option<PixelArea>,
    file: PositionedFile,
    pub(super) metadata: ArrowReaderMetadata,
    /// Columns of this format, as their place in the file.
    pub(crate) known: Known,
    /// Columns that this format does not have and whose values can be told as text.
    pub(crate) kept: Vec<(String, usize)>,
    /// Those whose values cannot.
    pub(crate) left_out: Vec<String>,
    /// Columns of 1.0.0 that it does not have.
    pub(crate) absent: Vec<String>,
}

/// Where the columns are.
pub(crate) struct Known {
    pub(crate) t_ns: usize,
    pub(crate) event_type: usize,
    pub(crate) key_code: Option<usize>,
    pub(crate) mouse_x: Option<usize>,
    pub(crate) mouse_y: Option<usize>,
    pub(crate) mouse_button: Option<usize>,
    pub(crate) delta: Option<usize>,
    pub(crate) frame_ref: Option<usize>,
    pub(crate) window_id: Option<usize>,
    pub(crate) session_id: Option<usize>,
    pub(crate) metadata: Option<usize>,
    pub(crate) pressed: Option<usize>,
    pub(crate) mouse_dx: Option<usize>,
    pub(crate) mouse_dy: Option<usize>,
    pub(crate) repeat: Option<usize>,
    pub(crate) source: Option<usize>,
}

impl ForeignTable {
    /// Opens a table and looks at its columns.
    pub(crate) fn open(path: &Path, told: &Options) -> Result<Self, ImportError> {
        let (file, metadata) = open_footer(path)?;
        let fields = metadata.schema().fields().clone();
        if fields.len() > MAX_COLUMNS {
            let why = format!("{} columns, more than {MAX_COLUMNS}", fields.len());
            return Err(ImportError::Table { path: path.to_owned(), why });
        }
        let place = |name: &str| fields.iter().position(|field| field.name() == name);
        let needed =
            |name: &'static str| place(name).ok_or(ImportError::NoColumn { path: path.to_owned(), column: name });
        let known = Known {
            t_ns: needed(column::T_NS)?,
            event_type: needed(column::EVENT_TYPE)?,
            key_code: place(column::KEY_CODE),
            mouse_x: place(column::MOUSE_X),
            mouse_y: place(column::MOUSE_Y),
            mouse_button: place(column::MOUSE_BUTTON),
            delta: place(column::DELTA),
            frame_ref: place(column::FRAME_REF),
            window_id: place(column::WINDOW_ID),
            session_id: place(column::SESSION_ID),
            metadata: place(column::METADATA),
            pressed: place(column::PRESSED),
            mouse_dx: place(column::MOUSE_DX),
            mouse_dy: place(column::MOUSE_DY),
            repeat: place(column::REPEAT),
            source: place(column::SOURCE),
        };
        let (mut kept, mut left_out) = (Vec::new(), Vec::new());
        for (index, field) in fields.iter().enumerate() {
            let name = field.name();
            let is_known = schema::COLUMNS.iter().any(|column| column.name == name);
            // Rows of other types than this format's have them as words of their own.
            if is_known && !pads::COLUMNS.contains(&name.as_str()) {
                continue;
            }
            if is_scalar(field.data_type()) {
                kept.push((name.clone(), index));
            } else {
                left_out.push(name.clone());
            }
        }
        let absent = v1_0::COLUMNS.iter().map(|column| column.name).filter(|name| place(name).is_none());
        let absent = absent.map(str::to_owned).collect();
        Ok(Self {
            path: path.to_owned(),
            told: told.clone(),
            pixels: None,
            file,
            metadata,
            known,
            kept,
            left_out,
            absent,
        })
    }

    /// Its file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Name and type of a column.
    pub(crate) fn field(&self, index: usize) -> (String, String) {
        let field = self.metadata.schema().field(index);
        (field.name().clone(), field.data_type().to_string())
    }

    /// What is wrong with one value, and what to do about it.
    pub(crate) fn value_error(&self, row: u64, column: &str, what: String, hint: String) -> ImportError {
        ImportError::Value { path: self.path.clone(), row, column: column.to_owned(), what, hint }
    }

    /// The command that imports the recording with what was told and more.
    pub(crate) fn command(&self, more: &[(&str, &str)]) -> String {
        self.told.command(self.path.parent().unwrap_or(Path::new(".")), more)
    }

    /// A value of the key-value metadata is there.
    pub(crate) fn says(&self, key: &str) -> bool {
        let entries = self.metadata.metadata().file_metadata().key_value_metadata();
        entries.is_some_and(|entries| entries.iter().any(|entry| entry.key == key))
    }

    /// How many rows the footer says there are.
    pub(crate) fn len(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Opens a row group, none of whose columns takes more than it may.
    pub(super) fn open_group(&self, group: usize) -> Result<ParquetRecordBatchReader, String> {
        let info = self.metadata.metadata().row_group(group);
        guarded(|| {
            let batch_rows =
                guard::check_row_group(&self.file, info, 0..info.num_columns(), None, BATCH_ROWS, Growth::FOREIGN)
                    .map_err(parquet::errors::ParquetError::General)?;
            ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), self.metadata.clone())
                .with_row_groups(vec![group])
                .with_batch_size(batch_rows)
                .build()
        })
    }
}

/// Whether the values of a column can be told as text.
fn is_scalar(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_scalar(values),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean | DataType::Null => true,
        kind => kind.is_numeric() || kind.is_temporal(),
    }
}
