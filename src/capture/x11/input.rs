//! XInput2 raw events.
