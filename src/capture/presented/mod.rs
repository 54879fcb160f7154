//! Pictures that a compositor tells of some time after they were presented: what their stamps are worth ([`guard`]), and of which time it can be said
//! that everything has been told ([`lag`]).

pub(super) mod guard;
pub(super) mod lag;
