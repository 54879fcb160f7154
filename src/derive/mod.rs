//! A session made of another: with parts [`redact`]ed, a span of it ([`clip`]), lifted to the present format ([`migrate`]), of all the parts of
//! a series ([`join`]), or made of a stranger's files ([`import`]). And a lost seal, made anew ([`reseal`]).

pub mod clip;
pub mod import;
pub mod join;
pub mod migrate;
pub mod redact;
pub mod reseal;
