//! Pictures through MIT-SHM.
