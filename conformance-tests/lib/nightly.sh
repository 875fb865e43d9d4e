# shellcheck shell=bash
# The steps that need the nightly compiler: Miri and the fuzz targets. Sourced by conformance-tests/run.

# Newer versions may need a newer compiler: see cargo info cargo-fuzz.
readonly CARGO_FUZZ=0.13.2
# How long each of the four targets runs. New finds take hours: conformance-tests/fuzz/run 3600.
readonly FUZZ_SECONDS=60

has_nightly() {
    if [[ " $* " == *" miri "* ]]; then cargo +nightly miri --version; else cargo +nightly --version; fi >/dev/null 2>&1
}

# need_nightly [COMPONENT...]: the nightly compiler. If it is missing, CI installs it with rustup; otherwise the step
# is skipped.
need_nightly() {
    local how="rustup toolchain install nightly --profile minimal" component
    for component; do how+=" --component $component"; done
    PATH=$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin
    ! has_nightly "$@" || return 0
    if [[ ${CI:-} == true ]] && command -v rustup >/dev/null; then
        say "installing the nightly compiler, for this and later runs"
        # shellcheck disable=SC2086 # a command with its arguments
        $how || {
            # Not every nightly and not every mirror has Miri. The compiler itself has to be there.
            if (($#)); then skip "rustup cannot fetch the nightly compiler with $1 from here"; else missing "there is no nightly compiler"; fi
            return 1
        }
        ! has_nightly "$@" || return 0
    fi
    missing "there is no nightly compiler${1:+ with $1} ($how)"
    return 1
}

# Undefined behaviour in the code that needs no card: how the C boundary reads and writes a program's memory, APDUs,
# mechanisms, settings.
#
# Without the tests of src/token: they lock the memory of PINs, which Miri cannot do, and make RSA keys, which takes
# Miri hours. Other tests that Miri cannot run say so: #[cfg_attr(miri, ignore = "the reason")].
step_miri() {
    give_way
    need_nightly miri rust-src || return 0
    # Some tests have folders of their own.
    MIRIFLAGS=-Zmiri-disable-isolation \
        cargo +nightly miri test --locked --target-dir "$TARGET/miri" --package jpki-pkcs11 --lib -- --skip token::
}

step_fuzz() {
    need_nightly || return 0
    if ! cargo fuzz --version >/dev/null 2>&1; then
        if [[ ${CI:-} != true ]]; then
            missing "cargo-fuzz is not there (cargo install cargo-fuzz --locked --version $CARGO_FUZZ)"
            return
        fi
        say "installing cargo-fuzz $CARGO_FUZZ into cargo's own folder, for this and later runs: a minute or two"
        CARGO_PROFILE_DEV_DEBUG=false cargo install cargo-fuzz --locked --debug --version "$CARGO_FUZZ"
    fi
    command -v c++ >/dev/null || { missing "there is no C++ compiler, which libFuzzer needs" && return; }
    conformance-tests/fuzz/run "$FUZZ_SECONDS"
}
