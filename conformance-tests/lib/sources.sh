# shellcheck shell=bash
# The steps that read the sources: format, lint, scripts, docs. Sourced by conformance-tests/run.

# The version of Rust whose lints the code follows.
readonly LINTED_WITH=1.95
# The fuzz targets are a workspace of their own.
readonly FUZZ=conformance-tests/fuzz/Cargo.toml

step_format() {
    if cargo fmt --version >/dev/null 2>&1; then
        cargo fmt --all --check
        cargo fmt --manifest-path "$FUZZ" --check
    else
        missing "rustfmt is not there"
    fi
}

# Every version of clippy and rustdoc has new lints, so warnings fail only with the version that the code follows. With
# CI=true they always fail, so CI needs that version.
strict() {
    [[ ${CI:-} == true || $(rustc --version) == "rustc $LINTED_WITH."* ]] && return
    say "(this is $(rustc --version); warnings fail only with $LINTED_WITH)"
    return 1
}

step_lint() {
    if cargo clippy --version >/dev/null 2>&1; then
        local deny=()
        ! strict || deny=(-D warnings)
        cargo clippy --workspace --all-targets --locked -- "${deny[@]}"
        # The variable names a libFuzzer, so none is built. The file need not exist, because clippy links nothing.
        CUSTOM_LIBFUZZER_PATH=$TARGET/libfuzzer.a \
            cargo clippy --manifest-path "$FUZZ" --target-dir "$TARGET/fuzz-lint" --all-targets --locked -- "${deny[@]}"
    else
        missing "clippy is not there"
    fi
}

step_scripts() {
    if ! command -v shellcheck >/dev/null && is_debian && ((EUID == 0)); then need_packages shellcheck; fi
    if command -v shellcheck >/dev/null; then
        shellcheck --external-sources conformance-tests/stack conformance-tests/run conformance-tests/lib/* \
            conformance-tests/fuzz/run conformance-tests/contract/against pkcs11-tool-scripts/* .ci/run
    else
        missing "shellcheck is not there"
    fi
}

# With the private items, and links to them: the documentation is for contributors.
step_docs() {
    local warnings=""
    ! strict || warnings=-Dwarnings
    RUSTDOCFLAGS="$warnings -Arustdoc::private-intra-doc-links" \
        cargo doc --workspace --no-deps --document-private-items --locked
}
