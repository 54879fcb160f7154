//! Tests of the screen source against a real X server.
