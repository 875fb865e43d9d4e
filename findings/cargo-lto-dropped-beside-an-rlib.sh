#!/usr/bin/env bash
# Cargo drops `lto = "fat"` without a word if a library is built as a cdylib and as an rlib at once.
#
# Surprise: with crate-type = ["cdylib", "rlib"] the profile's lto has no effect on the cdylib. Cargo prints no warning, and
#   does not pass `-C lto` to rustc. With crate-type = ["cdylib"] it does.
# Hurts: whoever ships a small shared library and has the rlib for the tests: the file is a sixth larger than the profile
#   says (regex in a cdylib of one function: 1,670,232 bytes, and 1,455,232 with the cdylib alone).
# Seen with: cargo 1.95.0 and rustc 1.95.0, regex 1.11.1, x86_64 Linux.
set -euo pipefail

folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cargo --version
rustc --version
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "small"
version = "0.1.0"
edition = "2021"

[lib]
crate-type = ["cdylib", "rlib"]

[dependencies]
regex = "=1.11.1"

[profile.release]
lto = "fat"
codegen-units = 1
opt-level = "z"
strip = "symbols"
TOML
cat >src/lib.rs <<'RUST'
#[no_mangle]
pub extern "C" fn matches(length: u32) -> u32 {
    let text = "a".repeat(length as usize);
    regex::Regex::new("^a+b$").map_or(0, |pattern| u32::from(pattern.is_match(&text)))
}
RUST

# build NAME COMMAND...: says whether rustc was told to use LTO for our library, and how large the result is.
build() {
    local name=$1 lto=no
    shift
    "$@" 2>build.log || { cat build.log >&2 && exit 1; }
    ! grep -- '--crate-name small ' build.log | grep --quiet -- '-C lto' || lto=yes
    printf '%s: lto passed to rustc: %s, warnings: %d, %d bytes\n' "$name" "$lto" \
        "$(grep --count '^warning' build.log || true)" "$(stat --format %s target/release/libsmall.so)"
    LTO=$lto SIZE=$(stat --format %s target/release/libsmall.so)
}

build 'cdylib and rlib' cargo build --release --verbose
both_lto=$LTO both_size=$SIZE
build 'cdylib alone' cargo rustc --release --verbose --crate-type cdylib
if [[ $both_lto == no && $LTO == yes ]] && ((both_size > SIZE)); then
    echo 'as described'
else
    echo 'CHANGED: this is not what was seen' >&2
    exit 1
fi
