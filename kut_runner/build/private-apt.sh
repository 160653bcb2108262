# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# For scripts that fetch packages of the distribution without root: apt-get with its own state in
# the directory $work, in which no package is installed. Its output is in the file $log. Needs
# apt-progress.sh.

EXIT_SETUP=7

# begin_unpacking DIRECTORY ELSEWHERE: lock DIRECTORY, with a log and a directory for work in it that
# disappears at the end. ELSEWHERE is the hint for other systems than Debian.
begin_unpacking()
{
	for program in apt-get dpkg-deb flock; do
		command -v "$program" >/dev/null || stop "$program is missing" "packages can be unpacked \
on Debian and its derivatives only; $2"
	done
	mkdir -p "$1" 2>/dev/null && [ -w "$1" ] || stop "cannot write to $1" \
		"set XDG_CACHE_HOME to a writable directory"
	log=$1/log
	exec 8>"$1/.lock"
	flock 8
	: >"$log"
	work=$1/.work
	trap clean EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	clean
}

# Write $work/apt.conf, for the packages of the release $suite; of that of the host if it is empty.
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
	mirror=
	[ -z "$suite" ] || other_release
}

# The mirror of the installed release has the other releases too.
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

run_apt()
{
	echo "+ apt-get $*" >>"$log"
	{
		TMPDIR=$work/tmp DEBIAN_FRONTEND=noninteractive apt-get -q -c "$work/apt.conf" \
			-o APT::Status-Fd=1 "$@" </dev/null 2>&1 8>&-
		echo "apt-get-status:$?"
	} | apt_progress "$log"
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

# stop_apt MESSAGE HINT: exit, with a message about the network if that was the cause.
stop_apt()
{
	case $(cat "$log") in
	*"does not have a Release file"*)
		reason="the mirror has no release \"$suite\": $mirror"
		log=
		stop "$reason" "give a release such as bookworm, trixie or trixie-backports" ;;
	*"Temporary failure"* | *"Could not resolve"* | *"ould not connect"* | \
		*"Connection timed out"* | *"Network is unreachable"* | *"Unable to connect"*)
		reason="apt-get cannot reach its mirrors, see $log"
		log=
		stop "$reason" "check the network and the mirrors in /etc/apt" ;;
	*) stop "$1" "$2" ;;
	esac
}

# stop MESSAGE HINT: exit with an error.
stop()
{
	[ ! -s "${log:-}" ] || tail -n 15 "$log" >&2
	echo "kut: error: $1" >&2
	[ -z "$2" ] || echo "kut: hint: $2" >&2
	exit "$EXIT_SETUP"
}
