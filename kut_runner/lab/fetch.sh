#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Usage: fetch.sh DIRECTORY RELEASE PACKAGE[=VERSION]...
#        fetch.sh DIRECTORY RELEASE --kernels
# Unpack packages for arm64 of a release of Debian, without root, each in a directory of its own:
# DIRECTORY/PACKAGE_VERSION, with "%3a" for ":" as in the names of apt-get. Dependencies are not
# fetched. --kernels prints the names of all packages with a kernel.
#
# A directory is created by a rename when it is complete; existing ones are not changed. Parallel
# calls wait for each other.
set -u

build=${0%/*}/../build
# shellcheck source=kut_runner/build/to-fetch.sh
. "$build/to-fetch.sh"
# shellcheck source=kut_runner/build/apt-progress.sh
. "$build/apt-progress.sh"
# shellcheck source=kut_runner/build/private-apt.sh
. "$build/private-apt.sh"

main()
{
	directory=$1
	suite=$2
	shift 2
	case $directory in
	/*[\"\':\\]* | [!/]* | '') stop "packages cannot be unpacked into \"$directory\"" \
		"XDG_CACHE_HOME must be an absolute path without quotes, colons and backslashes" ;;
	esac
	begin_unpacking "$directory" "elsewhere give a kernel of your own, with --kernel FILE"
	update
	if [ "$1" = --kernels ]; then
		list_kernels
	else
		unpack "$@"
	fi
}

update()
{
	configure_apt
	cat >>"$work/apt.conf" <<-END
		APT::Architecture "arm64";
		#clear APT::Architectures;
		APT::Architectures "arm64";
	END
	run_apt update || stop_apt "the package lists cannot be fetched, see $log" \
		"check the mirrors in /etc/apt and the release \"$suite\" in configs/lab.toml"
}

list_kernels()
{
	apt-cache -c "$work/apt.conf" pkgnames linux- |
		grep -E '^linux-(image|binary)-[0-9][0-9.]*(\+deb[0-9]+)?-arm64$'
}

unpack()
{
	mkdir -p "$work/archives/partial"
	echo "kut: lab: $(to_fetch -c "$work/apt.conf" -t "$suite" download "$@")" >&2
	(cd "$work/archives" && run_apt -t "$suite" download "$@") || explain "$@"
	for archive in "$work"/archives/*.deb; do
		name=${archive##*/}
		name=${name%_*.deb}
		rm -rf "$work/set"
		logged dpkg-deb -x "$archive" "$work/set" ||
			stop "$archive cannot be unpacked, see $log" "check the free disk space"
		rm "$archive"
		[ -d "$directory/$name" ] || mv -T "$work/set" "$directory/$name"
	done
}

# explain PACKAGE...: exit, because these could not be fetched.
explain()
{
	missing=$(sed -n "s/^E: Unable to locate package //p;
		s/^E: Version '\(.*\)' for '\(.*\)' was not found/\2=\1/p" "$log" | head -n 1)
	[ -n "$missing" ] || stop_apt "$* cannot be fetched, see $log" \
		"check the mirror and the free disk space"
	log=
	stop "the mirror has no $missing: $mirror, release $suite" \
		"configs/lab.toml names the packages; another kernel is chosen by --kernel VERSION"
}

main "$@"
