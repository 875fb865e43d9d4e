# shellcheck shell=bash
# Runs the steps, and prints the summary. Sourced by conformance-tests/run, with parts.sh.

SUMMARY=()
PASSED=0 FAILED=0 SKIPPED=0
CURRENT=

# step TITLE COMMAND...: if the command fails, the script ends (set -e), and the summary names the step.
step() {
    CURRENT=$1 REASON="" PARTLY=""
    local begin=$SECONDS
    shift
    printf '\n=== %s ===\n' "$CURRENT"
    "$@"
    count "$CURRENT" "$((SECONDS - begin))" "$REASON" "$PARTLY"
    CURRENT=
}

# count TITLE SECONDS REASON PARTLY: counts a step that has passed, or that was skipped as a whole or in part.
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

# begin NAME TITLE COMMAND...: starts a step that runs beside the next ones, until finish_steps.
begin() {
    local name=$1
    TITLES+=("$2")
    shift 2
    part "$name" beside "$name" "$@"
}

# Runs a step in the shell of its part, and writes a file for the summary.
beside() {
    local begin=$SECONDS outcome=$TARGET/parts/$1.outcome
    shift
    REASON="" PARTLY=""
    "$@"
    printf '%s\n' "$((SECONDS - begin))" "$REASON" "$PARTLY" >"$outcome"
}

# Waits for the started steps, shows the output of each, and returns 1 if one of them has failed.
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
    clear_parts
    TITLES=()
    ((FAILED == 0))
}

# --- What a step says -----------------------------------------------------------------------------

# For a step that cannot run here.
skip() {
    REASON=$1
    say "skipped: $REASON"
}

# For a step whose tool is missing: that is a failure in CI only.
missing() {
    [[ ${CI:-} != true ]] || die "$1" "With CI=true every tool must be there."
    skip "$1"
}

# For a step that has passed without the tests that this machine does not permit.
missing_in_part() {
    [[ ${CI:-} != true ]] || die "$1" "With CI=true everything must be there."
    PARTLY=$1
    say "left out: $PARTLY"
}

# Runs at every end of the script.
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
