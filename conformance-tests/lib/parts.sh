# shellcheck shell=bash
# Runs commands beside each other, and shows what each has written when it has ended. Sourced, with common.sh.

# Their names, and the process numbers of their shells.
PARTS=() PART_PIDS=()

forget_parts() { PARTS=() PART_PIDS=(); }

# part NAME COMMAND...: starts a command, which writes to a log. It has a folder of its own for temporary files: programs
# make their names different by process numbers, and those are the same ones again in each namespace.
part() {
    local name=$1 log=$TARGET/parts/$1.log folder
    shift
    mkdir -p "$TARGET/parts"
    folder=$(mktemp --directory)
    # Some tests start programs as another user.
    chmod 1777 "$folder"
    # With job control each part is a process group, which can be ended as a whole.
    set -m
    (
        # It may have parts of its own.
        forget_parts
        trap 'end_parts && rm -rf "$folder"' EXIT
        export TMPDIR=$folder
        local begin=$SECONDS
        "$@"
        say "$name: $((SECONDS - begin)) s"
    ) >"$log" 2>&1 </dev/null &
    set +m
    PARTS+=("$name") PART_PIDS+=("$!")
    say "$name: started, its output is shown when it has ended ($log)"
}

# finish_part INDEX: waits for one, shows what it has written, and returns its status.
finish_part() {
    local status=0
    wait "${PART_PIDS[$1]}" || status=$?
    cat "$TARGET/parts/${PARTS[$1]}.log"
    return "$status"
}

# Waits for all, and returns 1 if one of them has failed.
finish_parts() {
    local index failed=()
    for index in "${!PARTS[@]}"; do
        printf -- '\n--- %s ---\n' "${PARTS[index]}"
        finish_part "$index" || failed+=("${PARTS[index]}")
    done
    forget_parts
    ((${#failed[@]} == 0)) || {
        printf '\nFAILED: %s (the output is above)\n' "${failed[*]}" >&2
        return 1
    }
}

# For what computes beside tests that look at the time: it takes what those leave of the processors.
give_way() { renice -n 19 --pid "$BASHPID" >/dev/null; }

# Ends those that still run: for the end of the script.
end_parts() {
    local pid
    for pid in "${PART_PIDS[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
}
