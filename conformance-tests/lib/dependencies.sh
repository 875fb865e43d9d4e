# shellcheck shell=bash
# Checks the dependencies: licences, sources, duplicates, known security holes. Sourced by conformance-tests/run.

# Newer versions may need a newer compiler than ours: see cargo info cargo-deny.
readonly CARGO_DENY=0.20.2

step_deny() {
    if ! command -v cargo-deny >/dev/null; then
        if [[ ${CI:-} != true ]]; then
            missing "cargo-deny is not there (cargo install cargo-deny --locked --version $CARGO_DENY)"
            return
        fi
        say "installing cargo-deny $CARGO_DENY into cargo's own folder, for this and later runs: two to three minutes"
        # A debug build without debug information takes half the time, and checks the same.
        CARGO_PROFILE_DEV_DEBUG=false cargo install cargo-deny --locked --debug --version "$CARGO_DENY"
    fi
    cargo deny --locked check --allow license-exception-not-encountered bans licenses sources
    cargo deny --locked --manifest-path "$FUZZ" --config deny.toml check bans licenses sources
}

# Known security holes. Their list is fetched anew each time, from a server that not every network reaches.
step_advisories() {
    command -v cargo-deny >/dev/null || { missing "cargo-deny is not there" && return; }
    local output=$TARGET/advisories.log status=0
    cargo deny --locked check advisories >"$output" 2>&1 || status=$?
    if ((status != 0)) && grep -q 'failed to fetch advisory database' "$output"; then
        skip "the advisory database cannot be fetched from here, so known security holes were not checked"
        return
    fi
    cat "$output"
    return "$status"
}
