# shellcheck shell=bash
# What only the nightly compiler can do: Miri and the fuzz targets. Sourced by conformance-tests/run.

# Newer ones may want a newer compiler: cargo info cargo-fuzz tells.
readonly CARGO_FUZZ=0.13.2
# How long each of the four targets runs. To find something new takes hours: conformance-tests/fuzz/run 3600.
readonly FUZZ_SECONDS=60

has_nightly() {
    if [[ " $* " == *" miri "* ]]; then cargo +nightly miri --version; else cargo +nightly --version; fi >/dev/null 2>&1
}

# need_nightly [COMPONENT...]: the nightly compiler. Where it is not there, the step is skipped; in CI, rustup brings it.
need_nightly() {
    local how="rustup toolchain install nightly --profile minimal" component
    for component; do how+=" --component $component"; done
    PATH=$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin
    ! has_nightly "$@" || return 0
    if [[ ${CI:-} == true ]] && command -v rustup >/dev/null; then
        say "installing the nightly compiler, for this and later runs"
        # shellcheck disable=SC2086 # a command with its arguments
        $how || {
            # Miri is not in every nightly, nor on every mirror. The compiler itself has to be there.
            if (($#)); then skip "rustup cannot fetch the nightly compiler with $1 from here"; else missing "there is no nightly compiler"; fi
            return 1
        }
        ! has_nightly "$@" || return 0
    fi
    missing "there is no nightly compiler${1:+ with $1} ($how)"
    return 1
}

# Undefined behaviour in what needs no card: the C boundary's reading and writing of a program's memory, APDUs,
# mechanisms, settings.
#
# Not those of src/token: they lock the memory of PINs, which Miri cannot, and make RSA keys, which takes it hours.
# A test elsewhere that Miri cannot run says so: #[cfg_attr(miri, ignore = "the reason")].
step_miri() {
    need_nightly miri rust-src || return 0
    # Settings are read from files of the tests' own.
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
    command -v c++ >/dev/null || { missing "there is no C++ compiler, which libFuzzer is built with" && return; }
    conformance-tests/fuzz/run "$FUZZ_SECONDS"
}
