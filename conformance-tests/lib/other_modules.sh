# shellcheck shell=bash
# Does the contract suite test the standard, and not this module? It runs against two modules of others, whose known
# deviations are listed. Sourced by conformance-tests/run.

# The versions for which conformance-tests/contract/deviations has lists: those of Debian 12.
readonly LISTED_VERSIONS=(softhsm2=2.6.1 opensc-pkcs11=0.23.0)

step_modules() {
    local listed package version
    for listed in "${LISTED_VERSIONS[@]}"; do
        package=${listed%=*} version=${listed#*=}
        if ! is_debian || ! package_installed "$package"; then
            missing "$package is not there"
            return
        fi
        if [[ $(dpkg-query --show --showformat='${source:Upstream-Version}' "$package") != "$version" ]]; then
            missing "the deviations of $package are listed for version $version only"
            return
        fi
    done
    give_way
    part softhsm2 conformance-tests/contract/against softhsm2 --quiet
    part opensc conformance-tests/contract/against opensc --quiet
    finish_parts
}
