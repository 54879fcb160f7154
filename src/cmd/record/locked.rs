//! A lock that a panic elsewhere does not keep.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes what is shared, as whoever had it before left it.
pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
