# shellcheck shell=bash
# Runs commands beside each other, and shows what each has written when it has ended. Sourced, with common.sh.

PARTS=() PART_PIDS=()

# part NAME COMMAND...: starts a command, which writes to a log. It has a folder of its own for temporary files: programs
# make their names different by process numbers, and those are the same ones again in each namespace.
part() {
    local name=$1 log=$TARGET/parts/$1.log folder
    shift
    mkdir -p "$TARGET/parts"
    folder=$(mktemp --directory)
    # With job control each part is a process group, which can be ended as a whole.
    set -m
    (
        trap 'rm -rf "$folder"' EXIT
        export TMPDIR=$folder
        local begin=$SECONDS
        "$@"
        say "$name: $((SECONDS - begin)) s"
    ) >"$log" 2>&1 </dev/null &
    set +m
    PARTS+=("$name") PART_PIDS+=("$!")
    say "$name: started, its output is shown when it has ended ($log)"
}

# Waits for all parts, shows what each has written, and returns 1 if one of them has failed.
finish_parts() {
    local index status failed=()
    for index in "${!PARTS[@]}"; do
        status=0
        wait "${PART_PIDS[index]}" || status=$?
        ((status == 0)) || failed+=("${PARTS[index]}")
        printf -- '\n--- %s ---\n' "${PARTS[index]}"
        cat "$TARGET/parts/${PARTS[index]}.log"
    done
    PARTS=() PART_PIDS=()
    ((${#failed[@]} == 0)) || {
        printf '\nFAILED: %s (the output is above)\n' "${failed[*]}" >&2
        return 1
    }
}

# Ends those that still run: for the end of the script.
end_parts() {
    local pid
    for pid in "${PART_PIDS[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
}
