#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Usage: rootless.sh DIRECTORY NAME[@SUITE]...
# Unpack tools from packages of the distribution, without root.
#
# DIRECTORY/NAME has the content of the packages (root/), links to the programs (bin/) and a list
# of the packages. apt-get resolves dependencies, fetches packages and verifies them as usual, but
# with its own state in DIRECTORY, in which no package is installed. The tools therefore have all
# their libraries, including the C library and its loader, and are independent of upgrades of the
# host. A script in place of each program starts it with that loader.
#
# NAME is gcc, clang, qemu, gdb or python. With SUITE, as in qemu@trixie-backports, the packages
# are those of another release, from the same mirror. Existing sets are not changed. A set is
# created by a rename when it is complete; parallel calls wait for each other, and a call removes
# the temporary files of an interrupted one. This is a shell script because Python may be missing.
set -u

# shellcheck source=kut_runner/build/to-fetch.sh
. "${0%/*}/to-fetch.sh"
# shellcheck source=kut_runner/build/apt-progress.sh
. "${0%/*}/apt-progress.sh"
# shellcheck source=kut_runner/build/private-apt.sh
. "${0%/*}/private-apt.sh"

main()
{
	tools=$1
	shift
	case $tools in
	/*[\"\':\\]* | [!/]* | '') stop "tools cannot be unpacked into \"$tools\"" \
		"XDG_CACHE_HOME must be an absolute path without quotes, colons and backslashes" ;;
	esac
	for name; do
		packages_of "$name" >/dev/null
	done
	begin_unpacking "$tools" "elsewhere install tools, and name a QEMU with --qemu PATH"
	updated=no
	for name; do
		[ -d "$tools/$name" ] || unpack "$name"
	done
}

packages_of()
{
	case ${1%%@*} in
	gcc) echo gcc-aarch64-linux-gnu ;;
	clang) echo clang lld llvm ;;
	qemu) echo qemu-system-arm ;;
	gdb) echo gdb-multiarch ;;
	python) echo python3 python3-venv ca-certificates ;;
	*) stop "unknown tools \"$1\"" "the sets are gcc, clang, qemu, gdb, python" ;;
	esac
	case $1 in
	*[!a-z0-9@.-]* | *@*@* | *@) stop "\"$1\" has no valid release of the distribution" \
		"an example is qemu@trixie-backports" ;;
	esac
}

# Programs for bin/; the first one is run as a check.
programs_of()
{
	case ${1%%@*} in
	gcc) echo 'aarch64-linux-gnu-gcc aarch64-linux-gnu-*' ;;
	clang) echo 'clang clang++ ld.lld llvm-*' ;;
	qemu) echo qemu-system-aarch64 ;;
	gdb) echo gdb-multiarch ;;
	python) echo python3 ;;
	esac
}

unpack()
{
	name=$1
	final=$tools/$name
	rm -rf "$work/set" "$work/archives"
	mkdir -p "$work/set/root" "$work/set/bin" "$work/tmp"
	stage=$work/set/root
	suite=
	case $name in
	*@*) suite=${name#*@} ;;
	esac
	configure_apt
	[ "$updated" = "$suite" ] || run_apt update || stop_apt \
		"the package lists cannot be fetched, see $log" \
		"check the mirrors in /etc/apt and the release"
	updated=$suite
	set -- ${suite:+-t "$suite"} install
	# shellcheck disable=SC2046 # several words
	set -- "$@" $(packages_of "$name")
	to_fetch=$(to_fetch -c "$work/apt.conf" "$@")
	[ -z "$to_fetch" ] || echo "kut: $name: $to_fetch" >&2
	run_apt -y --download-only "$@" ||
		stop_apt "the packages for $name cannot be fetched, see $log" \
			"check the mirror, the release and the free disk space"
	for package in "$work"/archives/*.deb; do
		logged dpkg-deb -x "$package" "$stage" ||
			stop "$package cannot be unpacked, see $log" "check the free disk space"
		rm -f "$package"
		package=${package##*/}
		echo "${package%.deb}" >>"$work/set/packages"
	done
	relocate
	du -sk "$work/set" | { read -r size _ && echo "$size" >"$work/set/size"; }
	mv -T "$work/set" "$final"
}

# Make the unpacked programs work in their final directory.
relocate()
{
	rm -rf "$stage"/usr/share/doc "$stage"/usr/share/man "$stage"/usr/share/locale
	find "$stage" -type l -lname '/*' | while read -r link; do
		target=$(readlink "$link")
		[ ! -e "$stage$target" ] || ln -sfn "$final/root$target" "$link"
	done
	loader=$(find_loader)
	[ -n "$loader" ] || stop "the packages for $name have no loader" ""
	libraries=$(find "$stage/${loader%/*}" "$stage/usr/lib/$(basename "${loader%/*}")" \
		-name '*.so*' -printf '%h\n' 2>/dev/null | sort -u |
		sed "s,^$work/set,," | sed "s,^,$final," | paste -sd:)
	find "$stage" -type f -perm -u=x ! -name '*.so*' -exec grep -laE '/ld(-linux|64)' {} + |
		while read -r program; do
			! is_elf "$program" || wrap "${program#"$stage/"}"
		done
	first=
	for pattern in $(programs_of "$name"); do
		for program in "$stage"/usr/bin/$pattern; do
			[ ! -e "$program" ] || ln -sf "../root/usr/bin/${program##*/}" "$work/set/bin"
		done
		first=${first:-$stage/usr/bin/$pattern}
	done
	case $name in
	python*) relocate_python ;;
	esac
	check_program "$first"
}

find_loader()
{
	for file in "$stage"/lib/*/ld*.so.[0-9] "$stage"/usr/lib/*/ld*.so.[0-9]; do
		[ ! -f "$file" ] || [ -L "$file" ] || echo "${file#"$stage/"}"
	done | head -n 1
}

is_elf()
{
	[ "$(head -c 4 "$1" | tr -d '\177')" = ELF ]
}

# wrap PROGRAM: replace it by a script that passes its path as argv[0], which compilers use to find
# their parts. Python uses the path of the call to find its virtual environment.
wrap()
{
	directory=${1%/*}
	real=$directory/.${1##*/}.elf
	called="$final/root/$directory/\${0##*/}"
	options=
	before=
	case ${1##*/} in
	python*) called="\$0" ;;
	# When clang starts itself as a compiler, -cc1 must be the first argument.
	clang*) before="[ \"\${1#-cc1}\" != \"\$1\" ] || set -- -no-canonical-prefixes \"\$@\"
" ;;
	qemu-system-*)
		options=" -L '$final/root/usr/share/qemu'"
		before="QEMU_MODULE_DIR='$final/root/usr/lib/$(basename "${loader%/*}")/qemu' "
		;;
	esac
	mv "$stage/$1" "$stage/$real"
	cat >"$stage/$1" <<-END
		#!/bin/sh
		# Unpacked by kut: runs the program with the libraries from its packages.
		${before}exec '$final/root/$loader' --argv0 "$called" --library-path '$libraries' \\
			'$final/root/$real'$options "\$@"
	END
	chmod 755 "$stage/$1"
}

# Python finds its library by the path of the call. Debian's Python reads pip from a fixed path,
# and certificates from a file that the installation of its package creates.
relocate_python()
{
	rm "$work/set/bin/python3"
	cat >"$work/set/bin/python3" <<-END
		#!/bin/sh
		exec '$final/root/usr/bin/python3' "\$@"
	END
	chmod 755 "$work/set/bin/python3"
	sed -i "s,/usr/share/python-wheels,$final/root&," "$stage"/usr/lib/python3*/_sysconfigdata*.py
	mkdir -p "$stage/etc/ssl/certs"
	find "$stage/usr/share/ca-certificates" -name '*.crt' -exec cat {} + \
		>"$stage/etc/ssl/certs/ca-certificates.crt"
}

# check_program PROGRAM: run it as its script does, but from the temporary directory.
check_program()
{
	[ -e "$1" ] || stop "the packages for $name have no ${1##*/}" ""
	program=$(readlink -f "$1")
	[ ! -e "${program%/*}/.${program##*/}.elf" ] || program=${program%/*}/.${program##*/}.elf
	logged "$stage/$loader" --library-path \
		"$(echo "$libraries" | sed "s,$final/,$work/set/,g")" "$program" --version ||
		stop "${1##*/} does not run after unpacking, see $log" ""
}

main "$@"
