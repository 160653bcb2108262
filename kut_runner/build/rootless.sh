#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# rootless.sh DIRECTORY NAME[@SUITE]...: tools from the distribution's own packages, without root.
#
# DIRECTORY/NAME gets what the packages hold (root/), links to the programs (bin/) and a list of
# the packages. apt-get resolves, fetches and checks as ever, only with its state in here and
# with no package taken as installed: so the tools have every library they need, the C library
# and its loader included, and bear whatever becomes of the machine's own. Each program is run
# through that loader by a script in its place.
#
# NAME is gcc, clang, qemu, gdb or python. With SUITE, as in qemu@trixie-backports, packages are
# those of another release, from the mirror that the machine uses, and the name has it in it.
# What is there is left alone. A directory appears whole, by a rename; two calls take turns, and
# the next one clears up after one that was killed. It is sh, for there may be no Python yet.
set -u

EXIT_SETUP=7

# shellcheck source=kut_runner/build/to-fetch.sh
. "${0%/*}/to-fetch.sh"

main()
{
	tools=$1
	shift
	case $tools in
	/*[\"\':\\]* | [!/]* | '') stop "\"$tools\" cannot hold tools" \
		"XDG_CACHE_HOME is to be an absolute path without quotes, colons and backslashes" ;;
	esac
	for name; do
		packages_of "$name" >/dev/null
	done
	for program in apt-get dpkg-deb flock; do
		command -v "$program" >/dev/null || stop "there is no $program" \
			"only packages of Debian and its kin can be unpacked without root"
	done
	mkdir -p "$tools" 2>/dev/null && [ -w "$tools" ] || stop "cannot write to $tools" \
		"let XDG_CACHE_HOME name a directory that is yours"
	log=$tools/log
	exec 8>"$tools/.lock"
	flock 8
	: >"$log"
	work=$tools/.work
	trap clean EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	clean
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
	*) stop "there are no tools \"$1\"" "there are: gcc, clang, qemu, gdb, python" ;;
	esac
	case $1 in
	*[!a-z0-9@.-]* | *@*@* | *@) stop "\"$1\" names no release of the distribution" \
		"as in qemu@trixie-backports" ;;
	esac
}

# The programs to find in bin/; the first is tried.
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
	configure_apt
	[ "$updated" = "$suite" ] || run_apt update || stop_apt \
		"the lists of packages cannot be fetched, see $log" \
		"apt-get needs the mirrors that /etc/apt names, and a release that they have"
	updated=$suite
	set -- ${suite:+-t "$suite"} install
	# shellcheck disable=SC2046 # several words
	set -- "$@" $(packages_of "$name")
	to_fetch=$(to_fetch -c "$work/apt.conf" "$@")
	[ -z "$to_fetch" ] || echo "kut: $name: $to_fetch" >&2
	run_apt -y --download-only "$@" ||
		stop_apt "the packages for $name cannot be fetched, see $log" \
			"are the mirror and the release right, and is there space on the disk?"
	for package in "$work"/archives/*.deb; do
		logged dpkg-deb -x "$package" "$stage" ||
			stop "$package cannot be unpacked, see $log" "is there space on the disk?"
		rm -f "$package"
		package=${package##*/}
		echo "${package%.deb}" >>"$work/set/packages"
	done
	settle
	du -sk "$work/set" | { read -r size _ && echo "$size" >"$work/set/size"; }
	mv -T "$work/set" "$final"
}

configure_apt()
{
	mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/none"
	: >"$work/status"
	cat >"$work/apt.conf" <<-END
		Dir::State "$work";
		Dir::State::Lists "$work/lists";
		Dir::State::status "$work/status";
		Dir::Cache "$work";
		Dir::Cache::archives "$work/archives";
		Dir::Log "$work";
		APT::Install-Recommends "false";
		APT::Keep-Downloaded-Packages "true";
		APT::Sandbox::User "";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Debug::NoLocking "true";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	END
	suite=
	case $name in
	*@*) suite=${name#*@} && other_release ;;
	esac
}

# The release that the machine has is in the same place on the mirror as the one asked for.
other_release()
{
	# shellcheck source=/dev/null
	code=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	mirror=$(apt-get -c "$work/apt.conf" --print-uris update 2>>"$log" |
		sed -n "s,^'\([^']*\)/dists/$code/InRelease'.*,\1,p" | head -n 1)
	[ -n "$mirror" ] || stop "no mirror of \"$code\" among the sources of apt-get" \
		"add one under /etc/apt"
	keys=
	for file in /usr/share/keyrings/*-archive-keyring.gpg; do
		[ ! -f "$file" ] || keys=$keys${keys:+,}$file
	done
	for release in "${suite%%-*}" "$suite"; do
		echo "deb ${keys:+[signed-by=$keys] }$mirror $release main"
	done | uniq >"$work/sources.list"
	cat >>"$work/apt.conf" <<-END
		Dir::Etc::sourcelist "$work/sources.list";
		Dir::Etc::sourceparts "$work/none";
		Dir::Etc::preferences "$work/none/preferences";
		Dir::Etc::preferencesparts "$work/none";
	END
}

# settle: what was unpacked is made to work from where it will be.
settle()
{
	rm -rf "$stage"/usr/share/doc "$stage"/usr/share/man "$stage"/usr/share/locale
	find "$stage" -type l -lname '/*' | while read -r link; do
		target=$(readlink "$link")
		[ ! -e "$stage$target" ] || ln -sfn "$final/root$target" "$link"
	done
	loader=$(find_loader)
	[ -n "$loader" ] || stop "there is no loader among the packages for $name" ""
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
	python*) settle_python ;;
	esac
	try "$first"
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

# wrap PROGRAM: a script in its place, which tells it its name: compilers look for their parts
# beside it. Python looks for its virtual environment there, by the name it was called by.
wrap()
{
	directory=${1%/*}
	real=$directory/.${1##*/}.elf
	called="$final/root/$directory/\${0##*/}"
	options=
	before=
	case ${1##*/} in
	python*) called="\$0" ;;
	# As a compiler that it started itself it takes that as the first argument.
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
		# Unpacked by kut: always the same program, with the libraries it was made for.
		${before}exec '$final/root/$loader' --argv0 "$called" --library-path '$libraries' \\
			'$final/root/$real'$options "\$@"
	END
	chmod 755 "$stage/$1"
}

# Python finds its library beside the name it was called by. Debian's takes pip from a fixed
# place, and certificates from a file that an installation would write.
settle_python()
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

# try PROGRAM: as the script in its place would call it, were it in its place.
try()
{
	[ -e "$1" ] || stop "the packages for $name hold no ${1##*/}" ""
	program=$(readlink -f "$1")
	[ ! -e "${program%/*}/.${program##*/}.elf" ] || program=${program%/*}/.${program##*/}.elf
	logged "$stage/$loader" --library-path \
		"$(echo "$libraries" | sed "s,$final/,$work/set/,g")" "$program" --version ||
		stop "${1##*/} was unpacked and does not run here, see $log" ""
}

run_apt()
{
	TMPDIR=$work/tmp DEBIAN_FRONTEND=noninteractive logged apt-get -q -c "$work/apt.conf" "$@"
}

logged()
{
	echo "+ $*" >>"$log"
	"$@" </dev/null >>"$log" 2>&1 8>&-
}

clean()
{
	rm -rf "$work"
}

# stop_apt WHAT HINT: leave; with other words where apt-get has no way to its mirrors.
stop_apt()
{
	case $(cat "$log") in
	*"Temporary failure"* | *"Could not resolve"* | *"ould not connect"* | \
		*"Connection timed out"* | *"Network is unreachable"* | *"Unable to connect"*)
		reason="apt-get cannot reach its mirrors, see $log"
		log=
		stop "$reason" "is there a network, and are the mirrors those that /etc/apt names?" ;;
	*) stop "$1" "$2" ;;
	esac
}

# stop WHAT HINT: leave.
stop()
{
	[ ! -s "${log:-}" ] || tail -n 15 "$log" >&2
	echo "kut: error: $1" >&2
	[ -z "$2" ] || echo "kut: hint: $2" >&2
	exit "$EXIT_SETUP"
}

main "$@"
