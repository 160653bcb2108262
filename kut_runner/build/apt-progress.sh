# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# For scripts that run apt-get with its output in a log: its progress on stderr.
#
# Used as { apt-get -o APT::Status-Fd=1 ...; echo "apt-get-status:$?"; } | apt_progress LOG. The
# progress is part of stdout, because sudo closes the descriptors above 2.

# Percent between two lines where stderr is no terminal.
STEP=25

# apt_progress LOG: append the input to LOG, show the progress in it, and return the exit status that
# its last line has. On a terminal the progress is one line, which disappears at the end.
apt_progress()
{
	apt_status=1 next=$STEP doing=
	while IFS= read -r line || [ -n "$line" ]; do
		case $line in
		apt-get-status:*) apt_status=${line#*:} ;;
		dlstatus:*) show_step fetched "${line#dlstatus:*:}" ;;
		pmstatus:*) show_step installed "${line#pmstatus:*:}" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done >>"$1"
	[ ! -t 2 ] || [ -z "$doing" ] || printf '\r\033[K' >&2
	return "$apt_status"
}

# show_step WHAT PERCENT:TEXT
show_step()
{
	percent=${2%%:*} percent=${percent%%.*}
	case $percent in
	'' | *[!0-9]*) return ;;
	esac
	[ "$1" = "$doing" ] || doing=$1 next=$STEP
	if [ -t 2 ]; then
		printf '\r\033[Kkut: %.70s' "$1 $percent %: ${2#*:}" >&2
	elif [ "$percent" -ge "$next" ]; then
		echo "kut: $1 $percent %: ${2#*:}" >&2
		next=$((percent - percent % STEP + STEP))
	fi
}
