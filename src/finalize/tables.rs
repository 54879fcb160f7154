//! events.parquet.
