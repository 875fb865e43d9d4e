# shellcheck shell=bash
# Does conformance-tests/stack keep its word where there are no namespaces? Sourced by conformance-tests/run.
#
# Each way is tried inside of namespaces, so that no pcscd of the machine is needed or disturbed.

# The step.
check_stack_modes() {
    local namespaces=(unshare --mount --net --pid --fork --mount-proc --kill-child) mode
    "${namespaces[@]}" true 2>/dev/null || { missing "namespaces are not permitted here" && return; }
    export -f has_pcscd list_tokens stack_machine stack_running stack_ordinary_user
    for mode in stack_machine stack_running stack_ordinary_user; do
        "${namespaces[@]}" bash -c "set -euo pipefail; mount -t tmpfs none /run; mkdir /run/pcscd; ip link set lo up; $mode" ||
            die "$mode: conformance-tests/stack did not do what its help says"
    done
}

has_pcscd() { grep -q --no-messages '^pcscd$' /proc/[0-9]*/comm; }

# Two tokens in the mode $1.
list_tokens() {
    JPKI_STACK_MODE=$1 JPKI_PKCS11_CONFIG=/dev/null conformance-tests/stack conformance-tests/lib/with-card \
        pkcs11-tool --module "${CARGO_TARGET_DIR:-target}/release/libjpki_pkcs11.so" --list-token-slots |
        grep --count 'token label' | grep -qx 2
}

stack_machine() {
    list_tokens machine
    ! has_pcscd || { echo "machine: pcscd was left running" && return 1; }
}

stack_running() {
    pcscd --foreground >/dev/null 2>&1 &
    local pcscd=$! tries
    for ((tries = 0; tries < 100; tries++)); do
        ! opensc-tool --list-readers 2>/dev/null | grep -q 'Virtual PCD 00 01' || break
        sleep 0.1
    done
    list_tokens running
    kill -0 "$pcscd" || { echo "running: somebody's pcscd was stopped" && return 1; }
    list_tokens running
    kill "$pcscd"
}

stack_ordinary_user() {
    # In a place that everybody can read.
    cp conformance-tests/stack /run/stack
    local status=0 said
    said=$(JPKI_STACK_MODE=machine setpriv --reuid 65534 --regid 65534 --clear-groups /run/stack true 2>&1) || status=$?
    [[ $status == 121 && $said == *root* ]] || { echo "ordinary user: status $status: $said" && return 1; }
}
