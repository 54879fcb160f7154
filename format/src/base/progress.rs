//! How far work is that takes a while: what the verbs print while they run.

/// A step of some work, told when it begins and as it goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// What is being done.
    pub what: &'static str,
    /// Done, in units of the step.
    pub done: u64,
    /// Of how many; 0 when unknown.
    pub of: u64,
}

/// Who is told how far it is.
pub type Progress<'a> = &'a mut dyn FnMut(Step);
