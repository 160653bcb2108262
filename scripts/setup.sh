# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# For the front doors beside this file: say what they need, then call set_up.
#
# With nothing missing this starts no process at all but one subshell. What is there is used
# as it is; what is not comes from apt-get (as root, or through sudo) and pip. Without root and
# sudo the packages are unpacked into the user's cache, see rootless.sh, and used from there.
# Where that cannot be done, the names to install are printed and the exit code is EXIT_SETUP.

EXIT_SETUP=7

# Absolute, as it is written into the scripts of .venv.
root=$(cd -P -- "${here:?}/.." && pwd)
venv=$root/.venv
log=$root/build/setup.log

case ${XDG_CACHE_HOME:-} in
/*) cache=$XDG_CACHE_HOME/kut ;;
*) cache=${HOME:-$root/build}/.cache/kut ;;
esac
tools=$cache/tools

missing=	# programs, for people
sets=		# names that rootless.sh knows
debian=		# packages: Debian and Ubuntu
fedora=
arch=
brew=
extra=		# optional dependencies from pyproject.toml
venv_ready=
logging=	# the log is of this call

# has PROGRAM...: all are along PATH.
has()
{
	for program; do
		command -v "$program" >/dev/null || return 1
	done
}

# has_unpacked SET: it was unpacked by an earlier call; its programs come last along PATH.
has_unpacked()
{
	[ -d "$tools/$1/bin" ] && PATH=$PATH:$tools/$1/bin
}

# lacks SET WHAT DEBIAN FEDORA ARCH BREW: note one missing thing and its packages.
lacks()
{
	sets="$sets $1" missing="$missing${missing:+, }$2"
	debian="$debian $3" fedora="$fedora $4" arch="$arch $5" brew="$brew $6"
}

need_qemu()
{
	has qemu-system-aarch64 || has_unpacked qemu ||
		lacks qemu "QEMU for arm64" qemu-system-arm qemu-system-aarch64 \
			qemu-system-aarch64 qemu
}

need_gcc()
{
	for prefix in ${CROSS_COMPILE:-aarch64-linux-gnu- aarch64-none-elf- aarch64-elf-}; do
		! has "${prefix}gcc" "${prefix}ld" "${prefix}objcopy" || return 0
	done
	[ -z "${CROSS_COMPILE:-}" ] && has_unpacked gcc ||
		lacks gcc "GCC for arm64" gcc-aarch64-linux-gnu gcc-aarch64-linux-gnu \
			aarch64-linux-gnu-gcc aarch64-elf-gcc
}

need_clang()
{
	has clang ld.lld llvm-objcopy || has_unpacked clang ||
		lacks clang "clang and lld" "clang lld llvm" "clang lld llvm" "clang lld llvm" "llvm lld"
}

# need_venv EXTRA: kut and its Python packages, with those of an optional group.
need_venv()
{
	extra=$1
	! venv_is_ready || { venv_ready=yes && return; }
	find_python || lacks python "Python 3.11 with venv" "python3 python3-venv" python3 python python3
}

# The stamp is written last. It names the place and the interpreter, for a venv bears neither to be
# moved nor that the distribution exchanges its Python.
venv_is_ready()
{
	stamp=$venv/ready${extra:+-$extra}
	[ "$stamp" -nt "$root/pyproject.toml" ] && [ "$stamp" -nt "$root/constraints.txt" ] &&
		[ -x "$venv/bin/python" ] &&
		{ read -r place && read -r interpreter; } <"$stamp" && [ "$place" = "$root" ] &&
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

# want PACKAGE PURPOSE SKIPPED PROGRAM...: some tests are skipped without any of the programs. So the
# package is only tried, and only where that asks nobody for a password.
want()
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
		say "that failed, see $log; $skipped are skipped"
	exec 9>&-
}

set_up()
{
	[ -z "$missing" ] && [ -n "$venv_ready" ] && return
	mkdir -p "$root/build" 2>/dev/null && [ -w "$root/build" ] ||
		stop "cannot write to $root/build" "use a clone that is yours"
	[ -z "$missing" ] || install_packages
	venv_is_ready || create_venv
	exec 9>&-
}

install_packages()
{
	command -v apt-get >/dev/null || lament "there is no apt-get to install it"
	if [ "$(id -u)" = 0 ]; then
		as_root=
	elif ! command -v sudo >/dev/null; then
		unpack_packages "this is not root, and there is no sudo" && return
	elif sudo -n true 2>/dev/null; then
		as_root=sudo
	elif [ ! -t 0 ]; then
		unpack_packages "this is not root, and sudo wants a password" && return
	else
		say "sudo is to install with apt-get:$debian"
		sudo -v || { unpack_packages "this is not root, and sudo refuses" && return; }
		as_root=sudo
	fi
	say "installing with${as_root:+ sudo} apt-get:$debian$(amount)"
	lock
	apt_install || {
		# Package lists that are absent or old, or a dpkg that was interrupted.
		logged $as_root dpkg --configure -a
		logged $as_root apt-get -q update
		amount=$(amount)
		[ -z "$amount" ] || say "apt-get has new package lists$amount"
		apt_install || {
			! is_unreachable || lament "apt-get cannot reach its mirrors, see $log"
			show_log && lament "apt-get failed, see $log"
		}
	}
}

# unpack_packages WHY: into the user's cache.
unpack_packages()
{
	say "$1: unpacking$debian into $tools"
	# shellcheck disable=SC2086 # a list of words
	sh "$root/kut_runner/build/rootless.sh" "$tools" $sets || {
		[ $? -le 128 ] || exit 130
		lament "$1, and the packages could not be unpacked"
	}
	for set in $sets; do
		has_unpacked "$set"
	done
}

# amount: what apt-get is going to fetch, as in " (57 packages, 210 MB to fetch)".
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
	# shellcheck disable=SC2086 # lists of words
	logged $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=300 install --no-install-recommends $debian
}

create_venv()
{
	find_python || lament "it is not there after the installation either"
	# Nobody has written the file of certificates that the distribution's pip goes by.
	[ "$python" != "$tools/python/bin/python3" ] || [ -e /etc/ssl/certs/ca-certificates.crt ] ||
		export PIP_CERT="${PIP_CERT:-$tools/python/root/etc/ssl/certs/ca-certificates.crt}"
	logging=	# what apt-get said has come to its end
	lock
	! venv_is_ready || return 0	# another call was quicker
	case $extra in
	'') say "installing kut into .venv with pip$(pip_amount)" ;;
	dev) say "installing kut and what its tests need into .venv with pip$(pip_amount)" ;;
	*) say "installing kut and its packages for $extra into .venv with pip$(pip_amount)" ;;
	esac
	pip_install || {
		# Not there yet, or a leftover of a set-up that was interrupted.
		logged "$python" -m venv --clear "$venv" && pip_install
	} || {
		why="kut could not be installed into .venv"
		if is_unreachable; then
			why="$why: pip cannot reach its package index"
		else
			show_log
		fi
		stop "$why, see $log" "pip needs a package index, or\
 PIP_NO_INDEX=1 and PIP_FIND_LINKS=DIRECTORY, with these and what they need:
  $(requirements)"
	}
	interpreter=$("$venv/bin/python" -c 'import os.path, sys; print(os.path.realpath(sys.argv[1]))' \
		"$venv/bin/python")
	for each in "" ${extra:+"-$extra"}; do
		printf '%s\n' "$root" "$interpreter" >"$venv/ready$each"
	done
}

# pip_amount: what pip fetches where its cache is empty, as in " (up to 10 packages, 1 MB to fetch)".
pip_amount()
{
	while read -r line; do
		case $line in
		"# to fetch${extra:+ for $extra}: "*) echo " (up to ${line#*: } to fetch)" ;;
		esac
	done <"$root/constraints.txt"
}

# requirements: what pip looks for, as arguments of `pip download`, quoted for a shell.
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

# Constraints come by environment, to hold for what builds kut too, and in a relative path, for
# pip takes a space there for the end of a name.
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

# Two first calls at once take turns; the lock goes when this shell, or what it started, ends.
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

# is_unreachable: what apt-get or pip said sounds as if there were no network.
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

# lament WHY: packages are needed that cannot be installed from here.
lament()
{
	stop "missing: $missing; $1" "install what is missing, then call again:
  Debian, Ubuntu:  apt-get install --no-install-recommends$debian
  Fedora:          dnf install$fedora
  Arch:            pacman -S$arch
  macOS:           brew install$brew"
}

# stop WHAT HINT: leave.
stop()
{
	say "error: $1"
	say "hint: $2"
	exit "$EXIT_SETUP"
}
