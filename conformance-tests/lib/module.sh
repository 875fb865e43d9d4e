# shellcheck shell=bash
# Builds the module, and runs its tests in process and on a PC/SC stack. Sourced by conformance-tests/run.

# The standard programs that use the module in the tests, besides those of the demo.
readonly CLIENTS=(gnutls-bin libengine-pkcs11-openssl libnss3-tools libp11-kit-dev openssh-client poppler-utils)
# Other modules, for the contract suite.
readonly MODULES=(opensc-pkcs11 softhsm2)

step_packages() {
    need_stack_and_build
    # libFuzzer needs g++.
    ! is_debian || need_packages "${CLIENTS[@]}" "${MODULES[@]}" valgrind g++
    # Debian has rustfmt and clippy in separate packages, named after the package of the compiler.
    if is_debian && package_installed rustc-web; then
        need_packages rustfmt-web rust-web-clippy
    elif is_debian && package_installed rustc; then
        need_packages rustfmt rust-clippy
    fi
}

# Separately: in one build, the module would get features of shared crates that only the virtual card needs.
step_build() {
    cargo build --release --locked --package jpki-pkcs11
    cargo build --release --locked --package jpki-virtual-card
}

step_in_process() { cargo test --workspace --exclude jpki-end-to-end --exclude pkcs11-contract --locked --no-fail-fast; }

# Options that leave out the tests that cannot run on this machine, and what it lacks for them.
SKIP_OPTIONS=() LACKS=()

find_left_out() {
    local mode
    mode=$(conformance-tests/stack printenv JPKI_STACK 2>/dev/null) || mode=
    if [[ $mode != private ]]; then
        SKIP_OPTIONS+=(--skip in_a_private_stack_) && LACKS+=("namespaces")
        no_other_readers
    fi
    ((EUID == 0)) || { SKIP_OPTIONS+=(--skip as_root_) && LACKS+=("root"); }
}

# Without namespaces the tests see every reader of the machine. They count readers, and they run OpenSC's module, which
# would send the virtual card's PINs to a user's own card.
no_other_readers() {
    local others
    others=$(conformance-tests/stack opensc-tool --list-readers 2>/dev/null | grep '^[0-9]' | grep -v 'Virtual PCD 00 0[01]$') || return 0
    die "there are other readers here, and their cards must not get the PINs of the tests" "$others" \
        "Unplug them, or run this as root if namespaces are permitted."
}

# The two packages run in parallel, each on a stack of its own: they wait for pcscd more than they compute. Without
# namespaces there is only one stack, and they take turns.
step_stack() {
    find_left_out
    # Built first, because the stack may have no network.
    cargo test --package jpki-end-to-end --package pkcs11-contract --locked --no-run
    part end-to-end tests_on_the_stack jpki-end-to-end
    part contract tests_on_the_stack pkcs11-contract
    finish_parts
    ((${#LACKS[@]} == 0)) || missing_in_part "for want of ${LACKS[*]}, the tests with ${SKIP_OPTIONS[*]//--skip /}"
}

# tests_on_the_stack PACKAGE, without this machine's settings.
tests_on_the_stack() {
    JPKI_PKCS11_MODULE=$(realpath "$TARGET/release/libjpki_pkcs11.so") \
        JPKI_VIRTUAL_CARD=$(realpath "$TARGET/release/jpki-virtual-card") \
        JPKI_PKCS11_CONFIG=/dev/null \
        conformance-tests/stack \
        cargo test --package "$1" --locked --offline --no-fail-fast -- --test-threads=1 "${SKIP_OPTIONS[@]}"
}

step_demo() { pkcs11-tool-scripts/demo; }
