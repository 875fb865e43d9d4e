//! How the module is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The function lists hold our own functions, whatever else the process has loaded. Without this option the dynamic
    // linker looks up each C_* by its name, and takes that of any PKCS#11 module in front of ours: a program's login
    // would hand its PIN to that module. GNU ld, gold, lld and mold know the option.
    if std::env::var_os("CARGO_CFG_TARGET_OS").is_some_and(|system| system == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-Bsymbolic-functions");
    }
}
