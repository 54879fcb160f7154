//! Consent, masks, redaction.
