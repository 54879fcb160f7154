//! `watchcap sign`.

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::text;
use crate::cli::SignArgs;
use crate::session::refusal::Refusal;
use crate::session::{sealed, signature};

pub(super) fn run(args: &SignArgs) -> Result<Outcome, Failure> {
    let dir = &args.session;
    super::folder::check(dir)?;
    Refusal::unless_sealed(dir)?;
    // What is signed should be what was sealed.
    sealed::verify(dir, &mut |_| {})?;
    let path = signature::sign(dir, &args.key)?;
    let path = path.display().to_string();
    if args.json {
        text::json(&json!({ "session": dir.display().to_string(), "signature": path }));
    } else {
        text::out(&text::printable(&path));
    }
    text::say("anybody with your public key can check it with: watchcap verify FOLDER --signed-by KEY.pub");
    Ok(Outcome::Clean)
}
