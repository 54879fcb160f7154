//! The x264 of `watchcap-x264`: a program of its own, under the licence of libx264, fed through shared memory. Where it is found ([`place`]), one
//! running child ([`child`]), how many bits a picture gets ([`rate`]), and the encoder ([`encoder`]).

mod child;
pub mod encoder;
pub mod place;
pub mod rate;

pub use encoder::{X264Encoder, X264Kind};
