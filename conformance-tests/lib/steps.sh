# shellcheck shell=bash
# How steps are run and summed up. Sourced by conformance-tests/run, with parts.sh.

SUMMARY=()
PASSED=0 FAILED=0 SKIPPED=0
CURRENT=

# step TITLE COMMAND...: a failing command ends the script (set -e), and the summary names the step.
step() {
    CURRENT=$1 REASON="" PARTLY=""
    local begin=$SECONDS
    shift
    printf '\n=== %s ===\n' "$CURRENT"
    "$@"
    count "$CURRENT" "$((SECONDS - begin))" "$REASON" "$PARTLY"
    CURRENT=
}

# count TITLE SECONDS REASON PARTLY: a step that has passed, or was skipped for a reason, in whole or in part.
count() {
    if [[ -z $3 ]]; then
        PASSED=$((PASSED + 1))
        SUMMARY+=("$(printf '%-9s %4ds  %s' passed "$2" "$1")")
    fi
    if [[ -n $3$4 ]]; then
        SKIPPED=$((SKIPPED + 1))
        SUMMARY+=("$(printf '%-9s %5s  %s: %s' skipped "" "$1" "$3$4")")
    fi
}

count_failed() {
    FAILED=$((FAILED + 1))
    SUMMARY+=("$(printf '%-9s %5s  %s' FAILED "" "$1")")
}

# --- Steps beside each other ----------------------------------------------------------------------

TITLES=()

# begin NAME TITLE COMMAND...: a step that goes on beside the next ones, until finish_steps.
begin() {
    local name=$1
    TITLES+=("$2")
    shift 2
    part "$name" beside "$name" "$@"
}

# Runs a step in the shell of its part, and leaves what the summary needs.
beside() {
    local begin=$SECONDS outcome=$TARGET/parts/$1.outcome
    shift
    REASON="" PARTLY=""
    "$@"
    printf '%s\n' "$((SECONDS - begin))" "$REASON" "$PARTLY" >"$outcome"
}

# Waits for the steps that were begun, shows what each has written, and returns 1 if one of them has failed.
finish_steps() {
    local index outcome
    for index in "${!PARTS[@]}"; do
        printf '\n=== %s ===\n' "${TITLES[index]}"
        if finish_part "$index"; then
            mapfile -t outcome <"$TARGET/parts/${PARTS[index]}.outcome"
            count "${TITLES[index]}" "${outcome[@]}"
        else
            count_failed "${TITLES[index]}"
        fi
        unset "TITLES[index]"
    done
    forget_parts
    TITLES=()
    ((FAILED == 0))
}

# --- What a step says -----------------------------------------------------------------------------

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

# For a step that has passed but for what this machine does not permit.
missing_in_part() {
    [[ ${CI:-} != true ]] || die "$1" "With CI=true everything must be there."
    PARTLY=$1
    say "left out: $PARTLY"
}

# At the end of the script, however it comes.
summary() {
    local status=$? title
    end_parts
    for title in "${CURRENT:-}" "${TITLES[@]}"; do
        [[ -z $title ]] || count_failed "$title"
    done
    printf '\n=== summary ===\n'
    printf '%s\n' "${SUMMARY[@]}"
    printf 'total     %4ds\n\n' "$SECONDS"
    printf 'steps: %d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
    exit "$status"
}
