# shellcheck shell=bash
# Does the module read uninitialized memory, write to wrong places, or leak? Sourced by conformance-tests/run.
#
# The whole contract suite runs in one process under valgrind, on the stack, once for each token and once with a PIN for
# each signature: a process for each case would take an hour. Only the random cases make fewer calls than usual.
# Nothing is suppressed. The three runs go in parallel, each on a stack of its own.

# Leaked memory counts as an error. Memory that is still in use at the end of the program does not.
readonly MEMCHECK=(valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite
    --errors-for-leak-kinds=definite --num-callers=30)

step_valgrind() {
    command -v valgrind >/dev/null || { missing "valgrind is not there" && return; }
    give_way
    local folder=$TARGET/memory
    # The release build is stripped and small. This one has lines for the reports, and is fast.
    env CARGO_PROFILE_RELEASE_DEBUG=line-tables-only CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=2 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo build --release --locked --target-dir "$folder" --package jpki-pkcs11 --package pkcs11-contract
    : >"$folder/none.settings"
    echo 'always-authenticate = true' >"$folder/always.settings"
    part authentication contract_under_valgrind none "JPKI User Authentication" 1234
    part signature contract_under_valgrind none "JPKI Digital Signature" ABC123
    part always-authenticate contract_under_valgrind always "JPKI Digital Signature" ABC123
    finish_parts
}

# If fewer cases pass, some have found nothing to test. The contract suite's own run has the exact numbers.
readonly CASES_UNDER_VALGRIND=740

# contract_under_valgrind SETTINGS TOKEN PIN: with a new virtual card each time, so a wrong PIN may cost a try.
contract_under_valgrind() {
    local built=$TARGET/memory/release settings=$TARGET/memory/$1.settings
    say "$2 (settings: $1)"
    JPKI_VIRTUAL_CARD=$(realpath "$TARGET/release/jpki-virtual-card") JPKI_PKCS11_CONFIG=$(realpath "$settings") \
        PKCS11_CONTRACT_PIN=$3 \
        conformance-tests/stack conformance-tests/lib/with-card "${MEMCHECK[@]}" \
        "$built/pkcs11-contract" --one-process --quiet --risk-tries --random 20 --at-least "$CASES_UNDER_VALGRIND" \
        --module "$(realpath "$built/libjpki_pkcs11.so")" --token "$2"
}
