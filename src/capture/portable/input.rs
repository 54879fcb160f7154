//! Input by polling, through device_query.
