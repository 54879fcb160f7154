//! A session made of another: with parts [`redact`]ed, a span of it ([`clip`]), lifted to the present format ([`migrate`]), or made of a
//! stranger's files ([`import`]). And a lost seal, made anew ([`reseal`]).

pub mod clip;
pub mod import;
pub mod migrate;
pub mod redact;
pub mod reseal;
