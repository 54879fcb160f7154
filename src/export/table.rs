//! How tables of steps are written.

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

/// Key of the manifest in the key-value metadata.
pub(super) const MANIFEST_KEY: &str = "watchcap.export";
/// Rows of a row group: at 60 fps 18 minutes.
const ROW_GROUP_ROWS: usize = 65_536;

/// How tables of steps are written; `about` goes into their key-value metadata.
pub(super) fn properties(about: String) -> Result<WriterProperties, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_created_by(format!("watchcap version {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(vec![KeyValue::new(MANIFEST_KEY.to_owned(), about)]))
        .set_sorting_columns(Some(vec![SortingColumn { column_idx: 0, descending: false, nulls_first: false }]))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?));
    for name in ["step", "frame_ref", "t_ns", "until_ns", "frame_t_ns", "pts"] {
        let path = ColumnPath::from(name);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    Ok(properties.build())
}
