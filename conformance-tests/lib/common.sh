# shellcheck shell=bash
# What the project's scripts share: messages, and the programs that they need. For bash with set -euo pipefail.

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Cargo's target folder: "target" in the repository's root, where every script works.
TARGET=${CARGO_TARGET_DIR:-target}
cd "$REPO" || exit

# Cargo marks the folder as a cache only if cargo makes the folder. Backup programs and our tests need that mark.
make_target() {
    mkdir -p "$TARGET"
    [[ -e $TARGET/CACHEDIR.TAG ]] || printf 'Signature: 8a477f597d28d172789f06886806bc55\n' >"$TARGET/CACHEDIR.TAG"
}

# --- Messages -------------------------------------------------------------------------------------

say() { printf '%s\n' "$*"; }

# die MESSAGE [HINT...]: prints the message and what can be done about it, and ends the script.
die() {
    printf '\nFAILED: %s\n' "$1" >&2
    shift
    ((!$#)) || printf '  %s\n' "$@" >&2
    exit 1
}

# Prints the command as one would type it. A long line is broken before an option.
print_command() {
    local word line="" group=""
    printf '  $ '
    for word; do
        if [[ $word =~ ^([A-Za-z_]+=)(.*) ]]; then
            word=${BASH_REMATCH[1]}$(quote_word "${BASH_REMATCH[2]}")
        else
            word=$(quote_word "$word")
        fi
        # A group is an option with its values.
        if [[ $word == -* ]]; then
            print_group
            group=$word
        else
            group+=${group:+ }$word
        fi
    done
    print_group
    printf '%s\n' "$line"
}

# Adds group to line, in print_command.
print_group() {
    if [[ -n $line && $((${#line} + ${#group})) -gt 105 ]]; then
        printf '%s \\\n      ' "$line"
        line=$group
    else
        line+=${line:+ }$group
    fi
}

quote_word() {
    if [[ $1 =~ ^[A-Za-z0-9_./:=,+@%-]+$ ]]; then printf '%s' "$1"; else printf "'%s'" "${1//\'/\'\\\'\'}"; fi
}

# run [VARIABLE=VALUE...] COMMAND...: shows a command and runs it. If it fails, prints HINT and ends the script.
HINT=
run() {
    print_command "$@"
    local status=0
    (
        while [[ $1 =~ ^[A-Z_]+= ]]; do
            export "${1?}"
            shift
        done
        "$@" </dev/null
    ) 2>&1 | sed --unbuffered 's/^/    /' || status=$?
    ((status == 0)) || die "the command above ended with status $status" ${HINT:+"$HINT"}
}

# --- Debian packages ------------------------------------------------------------------------------

is_debian() { command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

package_installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# need_packages PACKAGE...: installs the missing ones.
need_packages() {
    local package missing=()
    for package; do
        package_installed "$package" || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then
        say "Debian packages: all there ($*)"
        return
    fi
    say "Debian packages to be installed: ${missing[*]}"
    ((EUID == 0)) || die "installing packages needs root" \
        "As root: apt-get install --no-install-recommends ${missing[*]}" \
        "Then run this again: the rest needs no root if the system permits namespaces to every user."
    say "  (this can take a few minutes)"
    apt_install "${missing[@]}" || die "apt-get could not install them" "Its output: $TARGET/apt.log"
}

# The package lists may be missing (in a container image) or old. A failed installation shows that.
apt_install() {
    local try=(apt-get install --yes --quiet --no-install-recommends --no-remove "$@")
    DEBIAN_FRONTEND=noninteractive "${try[@]}" >"$TARGET/apt.log" 2>&1 && return
    say "(with new package lists: apt-get update)"
    { apt-get update && DEBIAN_FRONTEND=noninteractive "${try[@]}"; } >"$TARGET/apt.log" 2>&1 && return
    tail -n 20 "$TARGET/apt.log" >&2
    return 1
}

# need_commands COMMAND...: for systems other than Debian, whose package names are not known.
need_commands() {
    local command missing=()
    for command; do
        command -v "$command" >/dev/null || missing+=("$command")
    done
    ((${#missing[@]} == 0)) || die "not found: ${missing[*]}" \
        "This script installs packages on Debian only. On other systems, install these programs first."
}

# --- Rust -----------------------------------------------------------------------------------------

# The oldest compiler that builds the project, from Cargo.toml.
oldest_rust() { sed -n 's/^rust-version = "\(.*\)"/\1/p' "$REPO/Cargo.toml"; }

# at_least VERSION WANTED
at_least() { [[ $(printf '%s\n' "$1" "$2" | sort --version-sort | head -n 1) == "$2" ]]; }

# The version of a Rust program ("cargo 1.85.0 (...)"), or nothing.
rust_version() { "$1" --version 2>/dev/null | awk 'NR == 1 { print $2 }'; }

# Debian's packages of a new enough Rust: rustc-web and cargo-web if rustc and cargo are older (Debian 12).
debian_rust() {
    local suffix version
    for suffix in "" -web; do
        version=$(apt-cache policy "rustc$suffix" 2>/dev/null | awk '$1 == "Candidate:" { print $2 }')
        if [[ $version == [0-9]* ]] && at_least "$version" "$(oldest_rust)"; then
            echo "rustc$suffix cargo$suffix"
            return
        fi
    done
    return 1
}

need_rust() {
    local wanted version packages
    wanted=$(oldest_rust)
    # A new rustup is not in the PATH before the next login.
    command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin
    if command -v cargo >/dev/null; then
        version=$(rust_version cargo)
        if [[ -n $version && -n $(rust_version rustc) ]] && at_least "$version" "$wanted"; then
            say "Rust: cargo $version is there"
            return
        fi
        die "Rust $wanted or newer is needed, and $(command -v cargo) is ${version:-unusable}" \
            "From rustup: rustup update stable" \
            "From Debian 12's packages: apt-get install rustc-web cargo-web, which replaces rustc and cargo"
    fi
    is_debian || die "Rust $wanted or newer is needed: cargo is not there" "See https://rustup.rs"
    packages=$(debian_rust) || {
        ((EUID != 0)) || apt-get update --quiet >/dev/null 2>&1 || true
        packages=$(debian_rust) ||
            die "Rust $wanted or newer is needed, and this Debian has no package of it" "See https://rustup.rs"
    }
    # shellcheck disable=SC2086 # two packages
    need_packages $packages
}

# --- Both -----------------------------------------------------------------------------------------

# What is needed to build, to run the virtual card on a real PC/SC stack, and to use the module.
need_stack_and_build() {
    make_target
    if is_debian; then
        need_packages pcscd vsmartcard-vpcd opensc openssl iproute2 \
            gcc libc6-dev libpcsclite-dev pkg-config ca-certificates
    else
        need_commands pcscd pkcs11-tool opensc-tool openssl ip cc pkg-config
    fi
    need_rust
}
