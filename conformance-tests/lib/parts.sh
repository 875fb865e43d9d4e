# shellcheck shell=bash
# Runs commands in parallel, and shows the output of each after its end. Needs common.sh.

# The names of the parts, and the process numbers of their shells.
PARTS=() PART_PIDS=()

clear_parts() { PARTS=() PART_PIDS=(); }

# part NAME COMMAND...: starts a command, which writes to a log. It has a folder of its own for temporary files, because
# programs name these by process numbers, and each namespace has the same numbers.
part() {
    local name=$1 log=$TARGET/parts/$1.log folder
    shift
    mkdir -p "$TARGET/parts"
    folder=$(mktemp --directory)
    # Some tests start programs as another user.
    chmod 1777 "$folder"
    # With job control each part is a process group, so it can be ended as a whole.
    set -m
    (
        # A part may have parts of its own.
        clear_parts
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

# finish_part INDEX: waits for a part, shows its output, and returns its status.
finish_part() {
    local status=0
    wait "${PART_PIDS[$1]}" || status=$?
    cat "$TARGET/parts/${PARTS[$1]}.log"
    return "$status"
}

# Waits for all parts, and returns 1 if one of them has failed.
finish_parts() {
    local index failed=()
    for index in "${!PARTS[@]}"; do
        printf -- '\n--- %s ---\n' "${PARTS[index]}"
        finish_part "$index" || failed+=("${PARTS[index]}")
    done
    clear_parts
    ((${#failed[@]} == 0)) || {
        printf '\nFAILED: %s (the output is above)\n' "${failed[*]}" >&2
        return 1
    }
}

# For a part that computes beside tests with time limits: gives it the lowest priority.
give_way() { renice -n 19 --pid "$BASHPID" >/dev/null; }

# Ends the parts that still run, at the end of the script.
end_parts() {
    local pid
    for pid in "${PART_PIDS[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
}
