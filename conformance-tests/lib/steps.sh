# shellcheck shell=bash
# How steps are run and summed up. Sourced by conformance-tests/run, with parts.sh.

SUMMARY=()
PASSED=0 SKIPPED=0
CURRENT=

# step TITLE COMMAND...: a failing command ends the script (set -e), and the summary names the step.
step() {
    CURRENT=$1 REASON=
    local begin=$SECONDS
    shift
    printf '\n=== %s ===\n' "$CURRENT"
    "$@"
    local time=$((SECONDS - begin))
    if [[ -n $REASON ]]; then
        SKIPPED=$((SKIPPED + 1))
        SUMMARY+=("$(printf '%-9s %5s  %s: %s' skipped "" "$CURRENT" "$REASON")")
    else
        PASSED=$((PASSED + 1))
        SUMMARY+=("$(printf '%-9s %4ds  %s' passed "$time" "$CURRENT")")
    fi
    CURRENT=
}

# For a step that cannot be done here, through nobody's fault.
skip() {
    REASON=$1
    say "skipped: $REASON"
}

# For a step whose tool is missing: whoever works on the project may go on, CI may not.
missing() {
    [[ ${CI:-} != true ]] || die "$1" "With CI=true every tool must be there."
    skip "$1"
}

summary() {
    local status=$? failed=0
    end_parts
    [[ -z $CURRENT ]] || {
        failed=1
        SUMMARY+=("$(printf '%-9s %5s  %s' FAILED "" "$CURRENT")")
    }
    printf '\n=== summary ===\n'
    printf '%s\n' "${SUMMARY[@]}"
    printf 'total     %4ds\n\n' "$SECONDS"
    printf 'steps: %d passed, %d failed, %d skipped\n' "$PASSED" "$failed" "$SKIPPED"
    exit "$status"
}
