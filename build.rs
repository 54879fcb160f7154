//! Puts into the Windows program what Windows asks of one: its manifest (pixels of each monitor, long paths, UTF-8), version and icon. For other systems
//! it does nothing. Where there is no windres it says so, and `make windows-zip` refuses such a program.

#![expect(clippy::disallowed_methods, reason = "a build script writes into the folder that cargo gives it")]

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=assets/windows");
    let of = |key: &str| std::env::var(key).unwrap_or_default();
    if of("CARGO_CFG_TARGET_OS") != "windows" {
        return;
    }
    let assets = Path::new(&of("CARGO_MANIFEST_DIR")).join("assets").join("windows");
    if of("CARGO_CFG_TARGET_ENV") == "msvc" {
        // The linker takes the manifest; version and icon would need another program.
        println!("cargo::rustc-link-arg-bins=/MANIFEST:EMBED");
        println!("cargo::rustc-link-arg-bins=/MANIFESTINPUT:{}", assets.join("watchcap.manifest").display());
        return;
    }
    let out = of("OUT_DIR");
    let object = Path::new(&out).join("watchcap.res.o");
    let part = |name: &str| of(&format!("CARGO_PKG_VERSION_{name}"));
    let header = format!(
        "#define VERSION_NUMBERS {},{},{},0\n#define VERSION_TEXT {:?}\n#define VERSION_DESCRIPTION {:?}\n#define VERSION_LICENCE {:?}\n",
        part("MAJOR"),
        part("MINOR"),
        part("PATCH"),
        of("CARGO_PKG_VERSION"),
        of("CARGO_PKG_DESCRIPTION"),
        of("CARGO_PKG_LICENSE"),
    );
    std::fs::write(Path::new(&out).join("version.h"), header).expect("the folder of the build can be written to");
    let windres = match of("CARGO_CFG_TARGET_ARCH").as_str() {
        "x86" => "i686-w64-mingw32-windres".to_owned(),
        arch => format!("{arch}-w64-mingw32-windres"),
    };
    let mut compiler = Command::new(&windres);
    compiler.args(["-I", &out, "-O", "coff", "-i", "watchcap.rc", "-o"]).arg(&object).current_dir(&assets);
    match compiler.status() {
        Ok(status) if status.success() => println!("cargo::rustc-link-arg-bins={}", object.display()),
        Ok(status) => panic!("{windres} failed: {status}"),
        Err(error) => println!("cargo::warning=the program gets no manifest, version and icon: {windres}: {error}"),
    }
}
