# shellcheck shell=bash
# Does conformance-tests/stack do what its help says if there are no namespaces? Sourced by conformance-tests/run.
#
# Each mode is tested inside of namespaces, so the machine's pcscd is neither needed nor disturbed.

step_stack_modes() {
    local namespaces=(unshare --mount --net --pid --fork --mount-proc --kill-child) mode
    "${namespaces[@]}" true 2>/dev/null || { missing "namespaces are not permitted here" && return; }
    export -f has_pcscd wait_for_readers list_tokens stack_machine stack_running stack_other_reader stack_ordinary_user
    for mode in stack_machine stack_running stack_other_reader stack_ordinary_user; do
        "${namespaces[@]}" bash -c "set -euo pipefail; mount -t tmpfs none /run; mkdir /run/pcscd; ip link set lo up; $mode" ||
            die "$mode: conformance-tests/stack did not do what its help says"
    done
}

has_pcscd() { grep -q --no-messages '^pcscd$' /proc/[0-9]*/comm; }

# Fails unless there are two tokens in the mode $1.
list_tokens() {
    JPKI_STACK_MODE=$1 JPKI_PKCS11_CONFIG=/dev/null conformance-tests/stack conformance-tests/lib/with-card \
        pkcs11-tool --module "${CARGO_TARGET_DIR:-target}/release/libjpki_pkcs11.so" --list-token-slots |
        grep --count 'token label' | grep -qx 2
}

stack_machine() {
    list_tokens machine
    ! has_pcscd || { echo "machine: pcscd was left running" && return 1; }
}

# Waits until pcscd shows the reader $1.
wait_for_readers() {
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        ! opensc-tool --list-readers 2>/dev/null | grep -q "$1" || break
        sleep 0.1
    done
}

stack_running() {
    pcscd --foreground >/dev/null 2>&1 &
    local pcscd=$!
    wait_for_readers 'Virtual PCD 00 01'
    list_tokens running
    kill -0 "$pcscd" || { echo "running: the machine's pcscd was stopped" && return 1; }
    list_tokens running
    kill "$pcscd"
}

# A user's own card, in another reader of the running pcscd: the demo leaves it alone. The other reader comes first in
# pcscd's list. Its driver is a copy of the virtual one, because pcscd loads each file once.
stack_other_reader() {
    mkdir /run/readers
    cp /etc/reader.conf.d/vpcd /run/readers/second
    cp --dereference /usr/lib/pcsc/drivers/serial/libifdvpcd.so /run/driver.so
    printf '%s\n' 'FRIENDLYNAME "Own Reader"' 'DEVICENAME /dev/null:0x9000' 'LIBPATH /run/driver.so' 'CHANNELID 0x9000' \
        >/run/readers/first
    pcscd --foreground --config /run/readers >/dev/null 2>&1 &
    wait_for_readers 'Virtual PCD 00 01'
    local built
    built=$(realpath "${CARGO_TARGET_DIR:-target}/release")
    "$built/jpki-virtual-card" run --port 36864 --identity /run/own --auth-pin 7777 --log /run/own.log >/run/own.out &
    wait_for_readers 'Yes.*Own Reader 00 00'
    grep -q '^ready' /run/own.out || { echo "other reader: it has no card" && return 1; }
    cp /run/own.log /run/before.log
    JPKI_STACK_MODE=running JPKI_PKCS11_MODULE=$built/libjpki_pkcs11.so JPKI_VIRTUAL_CARD=$built/jpki-virtual-card \
        pkcs11-tool-scripts/demo >/run/demo.out || { cat /run/demo.out && return 1; }
    cmp /run/before.log /run/own.log || { echo "other reader: the user's own card got a command" && return 1; }
}

stack_ordinary_user() {
    # In a folder that every user can read.
    cp conformance-tests/stack /run/stack
    local status=0 said
    said=$(JPKI_STACK_MODE=machine setpriv --reuid 65534 --regid 65534 --clear-groups /run/stack true 2>&1) || status=$?
    [[ $status == 121 && $said == *root* ]] || { echo "ordinary user: status $status: $said" && return 1; }
}
