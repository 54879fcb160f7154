//! Compiles the C side, which includes the system's x264.h, and links the system's libx264.

fn main() {
    cc::Build::new().file("src/door.c").opt_level(2).warnings(true).extra_warnings(true).compile("door");
    println!("cargo:rustc-link-lib=x264");
    println!("cargo:rerun-if-changed=src/door.c");
}
