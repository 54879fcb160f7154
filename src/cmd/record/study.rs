//! What a study says of a recording: flags over the configuration.

use super::super::failure::Failure;
use crate::cli::RecordArgs;
use crate::config::RecordConfig;
use crate::log::setup::StudyFact;
use crate::session::labels::{LabelError, check_participant, check_tags, check_task};

/// Returns task, participant and tags of a recording; a tag of the command line stands over one of the same key in the configuration.
pub(super) fn of(args: &RecordArgs, config: &RecordConfig) -> Result<StudyFact, Failure> {
    let wrong = |error: LabelError| Failure::wrong(&error, Some(error.hint()));
    let task = args.task.clone().or_else(|| config.task.clone());
    task.as_deref().map_or(Ok(()), check_task).map_err(wrong)?;
    let participant = args.participant.clone().or_else(|| config.participant.clone());
    participant.as_deref().map_or(Ok(()), check_participant).map_err(wrong)?;
    let mut tags = config.tags.clone();
    for (key, value) in &args.tag {
        tags.insert(key.clone(), value.clone());
    }
    check_tags(&tags).map_err(wrong)?;
    Ok(StudyFact { task, participant, tags: (!tags.is_empty()).then_some(tags), ..StudyFact::default() })
}
