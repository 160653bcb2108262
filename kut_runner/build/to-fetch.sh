# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# For scripts that fetch packages with apt-get: how many, and how large.

# to_fetch [OPTION]... install PACKAGE...: print what apt-get would fetch for these arguments, as in
# "57 packages, 210 MB to fetch"; nothing where it cannot tell. Nothing is fetched or installed.
to_fetch()
{
	count=0 bytes=0
	uris=$(apt-get -qq -y --print-uris "$@" 2>/dev/null </dev/null) || return 0
	while read -r uri _ size _; do
		[ "${uri#\'}" != "$uri" ] || continue
		case $size in
		'' | *[!0-9]*) return 0 ;;
		esac
		count=$((count + 1)) bytes=$((bytes + size))
	done <<-END
		$uris
	END
	packages=packages
	[ "$count" != 1 ] || packages=package
	if [ "$count" = 0 ]; then
		echo "nothing to fetch"
	else
		echo "$count $packages, $(((bytes + 999999) / 1000000)) MB to fetch"
	fi
}
