# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by the entry scripts in this directory, which call need_* and then set_up.
#
# If nothing is missing, the only process started is one subshell. Missing programs are installed
# with apt-get (as root or with sudo), Python packages with pip. Without root and sudo, packages are
# unpacked into the user's cache, see rootless.sh. If that is not possible either, the names of the
# packages to install are printed and the exit code is EXIT_SETUP.

EXIT_SETUP=7

# Absolute, because the scripts in .venv contain it.
root=$(cd -P -- "${here:?}/.." && pwd)
venv=$root/.venv
log=$root/build/setup.log

case ${XDG_CACHE_HOME:-} in
/*) cache=$XDG_CACHE_HOME/kut ;;
*) cache=${HOME:-$root/build}/.cache/kut ;;
esac
tools=$cache/tools

missing=	# programs, for messages
sets=		# arguments of rootless.sh
debian=		# packages of Debian and Ubuntu
fedora=
arch=
brew=
extra=		# optional dependencies from pyproject.toml
venv_ready=
logging=	# the log was started by this call

# has PROGRAM...: check that all programs are in PATH.
has()
{
	for program; do
		command -v "$program" >/dev/null || return 1
	done
}

# has_unpacked SET: check that a set is unpacked, and append its programs to PATH.
has_unpacked()
{
	[ -d "$tools/$1/bin" ] && PATH=$PATH:$tools/$1/bin
}

# add_missing SET NAME DEBIAN FEDORA ARCH BREW: record a missing program and its packages.
add_missing()
{
	sets="$sets $1" missing="$missing${missing:+, }$2"
	debian="$debian $3" fedora="$fedora $4" arch="$arch $5" brew="$brew $6"
}

need_qemu()
{
	has qemu-system-aarch64 || has_unpacked qemu ||
		add_missing qemu "QEMU for arm64" qemu-system-arm qemu-system-aarch64 \
			qemu-system-aarch64 qemu
}

need_gcc()
{
	for prefix in ${CROSS_COMPILE:-aarch64-linux-gnu- aarch64-none-elf- aarch64-elf-}; do
		! has "${prefix}gcc" "${prefix}ld" "${prefix}objcopy" || return 0
	done
	[ -z "${CROSS_COMPILE:-}" ] && has_unpacked gcc ||
		add_missing gcc "GCC for arm64" gcc-aarch64-linux-gnu gcc-aarch64-linux-gnu \
			aarch64-linux-gnu-gcc aarch64-elf-gcc
}

need_clang()
{
	has clang ld.lld llvm-objcopy || has_unpacked clang ||
		add_missing clang "clang and lld" "clang lld llvm" "clang lld llvm" "clang lld llvm" "llvm lld"
}

# need_venv EXTRA: require kut and its Python packages, with those of an optional group.
need_venv()
{
	extra=$1
	! venv_is_ready || { venv_ready=yes && return; }
	find_python || add_missing python "Python 3.11 with venv" "python3 python3-venv" python3 python python3
}

# The stamp file is written last. It has the directory and the interpreter, because a venv cannot be
# moved and does not survive an upgrade of Python.
venv_is_ready()
{
	stamp=$venv/ready${extra:+-$extra}
	[ "$stamp" -nt "$root/pyproject.toml" ] && [ "$stamp" -nt "$root/constraints.txt" ] &&
		[ -x "$venv/bin/python" ] &&
		{ read -r directory && read -r interpreter; } <"$stamp" && [ "$directory" = "$root" ] &&
		[ "$venv/bin/python" -ef "$interpreter" ]
}

find_python()
{
	for python in python3 python3.14 python3.13 python3.12 python3.11 \
		"$tools/python/bin/python3"; do
		! "$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' \
			2>/dev/null || return 0
	done
	return 1
}

# install_optional PACKAGE PURPOSE SKIPPED PROGRAM...: try to install a package, without which some
# tests are skipped, unless one of the programs exists. Only as root, never with a password prompt.
install_optional()
{
	package=$1 purpose=$2 skipped=$3
	shift 3
	for program; do
		! command -v "$program" >/dev/null || return 0
	done
	[ "$(id -u)" = 0 ] && has apt-get || return 0
	as_root= debian=$package
	say "installing with apt-get, $purpose: $package$(amount)"
	mkdir -p "$root/build" && lock
	apt_install || { logged apt-get -q update && apt_install; } ||
		say "the installation failed, see $log; $skipped are skipped"
	exec 9>&-
}

set_up()
{
	[ -z "$missing" ] && [ -n "$venv_ready" ] && return
	mkdir -p "$root/build" 2>/dev/null && [ -w "$root/build" ] ||
		stop "cannot write to $root/build" "use a clone that you own"
	[ -z "$missing" ] || install_packages
	venv_is_ready || create_venv
	exec 9>&-
}

install_packages()
{
	command -v apt-get >/dev/null || stop_missing "apt-get is not available"
	if [ "$(id -u)" = 0 ]; then
		as_root=
	elif ! command -v sudo >/dev/null; then
		unpack_packages "not root, and sudo is missing" && return
	elif sudo -n true 2>/dev/null; then
		as_root=sudo
	elif [ ! -t 0 ]; then
		unpack_packages "not root, and sudo needs a password" && return
	else
		say "sudo will install with apt-get:$debian"
		sudo -v || { unpack_packages "not root, and sudo failed" && return; }
		as_root=sudo
	fi
	say "installing with${as_root:+ sudo} apt-get:$debian$(amount)"
	lock
	apt_install || {
		# The package lists may be missing or old, or dpkg may have been interrupted.
		logged $as_root dpkg --configure -a
		say "updating the package lists of apt-get"
		logged $as_root apt-get -q update
		amount=$(amount)
		[ -z "$amount" ] || say "apt-get has new package lists$amount"
		apt_install || {
			! is_unreachable || stop_missing "apt-get cannot reach its mirrors, see $log"
			show_log && stop_missing "apt-get failed, see $log"
		}
	}
}

# unpack_packages REASON: unpack the missing packages into the user's cache.
unpack_packages()
{
	say "$1: unpacking$debian into $tools"
	# shellcheck disable=SC2086 # a list of sets
	sh "$root/kut_runner/build/rootless.sh" "$tools" $sets || {
		[ $? -le 128 ] || exit 130
		stop_missing "$1, and the packages could not be unpacked"
	}
	for set in $sets; do
		has_unpacked "$set"
	done
}

# amount: print how much apt-get will fetch, as in " (57 packages, 210 MB to fetch)".
amount()
{
	# shellcheck source=kut_runner/build/to-fetch.sh
	. "$root/kut_runner/build/to-fetch.sh"
	# shellcheck disable=SC2086 # a list of words
	to_fetch=$(to_fetch install --no-install-recommends $debian)
	echo "${to_fetch:+ ($to_fetch)}"
}

apt_install()
{
	# shellcheck source=kut_runner/build/apt-progress.sh
	. "$root/kut_runner/build/apt-progress.sh"
	echo "+ $as_root apt-get install $debian" >>"$log"
	{
		# shellcheck disable=SC2086 # lists of arguments
		$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o APT::Status-Fd=1 \
			-o DPkg::Lock::Timeout=300 install --no-install-recommends $debian </dev/null 2>&1
		echo "apt-get-status:$?"
	} | apt_progress "$log"
}

create_venv()
{
	find_python || stop_missing "it is still missing after the installation"
	# An unpacked Python has no file of certificates in the path that pip uses by default.
	[ "$python" != "$tools/python/bin/python3" ] || [ -e /etc/ssl/certs/ca-certificates.crt ] ||
		export PIP_CERT="${PIP_CERT:-$tools/python/root/etc/ssl/certs/ca-certificates.crt}"
	logging=	# the messages of apt-get are no longer of interest
	lock
	! venv_is_ready || return 0	# a parallel call has created it
	case $extra in
	'') say "installing kut into .venv with pip$(pip_amount)" ;;
	dev) say "installing kut and the packages for its tests into .venv with pip$(pip_amount)" ;;
	*) say "installing kut and its packages for $extra into .venv with pip$(pip_amount)" ;;
	esac
	pip_install || {
		# Missing, or incomplete after an interrupted setup.
		logged "$python" -m venv --clear "$venv" && pip_install
	} || {
		why="kut could not be installed into .venv"
		if is_unreachable; then
			why="$why: pip cannot reach its package index"
		else
			show_log
		fi
		stop "$why, see $log" "pip needs a package index, or\
 PIP_NO_INDEX=1 and PIP_FIND_LINKS=DIRECTORY, with these packages and their dependencies:
  $(requirements)"
	}
	interpreter=$("$venv/bin/python" -c 'import os.path, sys; print(os.path.realpath(sys.argv[1]))' \
		"$venv/bin/python")
	for each in "" ${extra:+"-$extra"}; do
		printf '%s\n' "$root" "$interpreter" >"$venv/ready$each"
	done
}

# pip_amount: print what pip fetches with an empty cache, as in " (up to 10 packages, 1 MB to fetch)".
pip_amount()
{
	while read -r line; do
		case $line in
		"# to fetch${extra:+ for $extra}: "*) echo " (up to ${line#*: } to fetch)" ;;
		esac
	done <"$root/constraints.txt"
}

# requirements: print the required packages as arguments of `pip download`, quoted.
requirements()
{
	"$python" - "$root" "$extra" <<-'END'
		import shlex, sys, tomllib

		with open(sys.argv[1] + "/pyproject.toml", "rb") as file:
		    tree = tomllib.load(file)
		extras = tree["project"]["optional-dependencies"]
		wanted = tree["build-system"]["requires"] + tree["project"]["dependencies"]
		pins = ["-c", sys.argv[1] + "/constraints.txt"]
		print(shlex.join(pins + wanted + extras.get(sys.argv[2], [])))
	END
}

# Constraints are passed in the environment, which also applies to build dependencies, and as a
# relative path, because pip splits the value at spaces.
pip_install()
{
	[ -x "$venv/bin/python" ] &&
		(
			cd -- "$root" && export PIP_CONSTRAINT=constraints.txt &&
				export PIP_BUILD_CONSTRAINT=constraints.txt &&
				export PIP_CACHE_DIR="${PIP_CACHE_DIR:-$cache/pip}" &&
				logged "$venv/bin/python" -m pip --disable-pip-version-check \
					install -q -e "$root${extra:+[$extra]}"
		)
}

# Parallel first calls wait for each other; the lock is released at exit of this shell.
lock()
{
	exec 9>"$root/build/.setup-lock"
	if command -v flock >/dev/null; then
		flock 9
	elif has "${python:-python3}"; then
		"${python:-python3}" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
	fi
	[ -n "$logging" ] || : >"$log"
	logging=yes
}

logged()
{
	echo "+ $*" >>"$log"
	"$@" </dev/null >>"$log" 2>&1
}

say()
{
	echo "kut: $*" >&2
}

# is_unreachable: check if the log has an error of apt-get or pip about the network.
is_unreachable()
{
	case $(cat "$log") in
	*"Temporary failure"* | *"Could not resolve"* | *"ould not connect"* | \
		*"Connection refused"* | *"Connection timed out"* | *"Network is unreachable"* | \
		*"Name or service not known"* | *NewConnectionError* | *"Unable to connect"*) ;;
	*) return 1 ;;
	esac
}

show_log()
{
	tail -n 15 "$log" >&2
}

# stop_missing REASON: exit with an error that lists the missing packages.
stop_missing()
{
	stop "missing: $missing; $1" "install the missing packages, then run the command again:
  Debian, Ubuntu:  apt-get install --no-install-recommends$debian
  Fedora:          dnf install$fedora
  Arch:            pacman -S$arch
  macOS:           brew install$brew"
}

# stop MESSAGE HINT: exit with an error.
stop()
{
	say "error: $1"
	say "hint: $2"
	exit "$EXIT_SETUP"
}
