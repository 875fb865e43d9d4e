# shellcheck shell=bash
# Does the oldest compiler that Cargo.toml promises still build the project, and a small enough module? Sourced by
# conformance-tests/run.
#
# Debian 12 has that compiler in its package rustc-web. It cannot be installed beside a newer rustc-web, so its
# packages are only unpacked, into target/msrv, for use by the installed cargo.

# Skipped if the compiler is not available.
step_msrv() {
    local oldest root=$TARGET/msrv/root
    oldest=$(oldest_rust)
    if [[ $(rust_version rustc) == "$oldest".* ]]; then
        say "the compiler in use is Rust $oldest itself: the other steps check it"
        return
    fi
    if [[ ! -x $root/usr/bin/rustc ]]; then
        unpack_msrv "$oldest" || {
            skip "Debian's package of Rust $oldest is not available here"
            return
        }
    fi
    root=$(realpath "$root")
    # Without a wrapper script around rustc: sh loses cargo's variables with a "-" in their names.
    local lent=(env "LD_LIBRARY_PATH=$root/usr/lib/$(uname -m)-linux-gnu" "RUSTC=$root/usr/bin/rustc")
    "${lent[@]}" "$root/usr/bin/rustc" --version
    "${lent[@]}" cargo check --workspace --all-targets --locked --target-dir "$TARGET/msrv/target"
    # This compiler makes the largest module. The limit is the one of the end-to-end test `it_is_small`.
    "${lent[@]}" cargo build --release --locked --package jpki-pkcs11 --target-dir "$TARGET/msrv/target"
    local size
    size=$(stat --format %s "$TARGET/msrv/target/release/libjpki_pkcs11.so")
    say "the module has $size bytes"
    ((size < 1000000)) || die "the module is too large with Rust $oldest: $size bytes"
}

# unpack_msrv VERSION: makes target/msrv/root.
unpack_msrv() {
    local dir=$TARGET/msrv version llvm
    is_debian || return 1
    version=$(apt-cache madison rustc-web 2>/dev/null | awk -v wanted="$1." 'index($3, wanted) == 1 { print $3; exit }')
    [[ -n $version ]] || return 1
    llvm=$(apt-cache show "libstd-rust-web-$1=$version" |
        awk '/^Depends:/ && match($0, /libllvm[0-9]+/) { print substr($0, RSTART, RLENGTH); exit }')
    rm -rf "${dir:?}"
    mkdir -p "$dir/packages"
    say "unpacking Debian's rustc-web $version into $dir"
    (cd "$dir/packages" &&
        apt-get download "rustc-web=$version" "libstd-rust-web-$1=$version" "libstd-rust-web-dev=$version" "$llvm") \
        >"$dir/download.log" 2>&1 || return 1
    local package
    for package in "$dir"/packages/*.deb; do
        dpkg-deb --extract "$package" "$dir/root" || return 1
    done
    rm -rf "$dir/packages"
}
