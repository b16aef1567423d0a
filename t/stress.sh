#!/usr/bin/env bash
# stress.sh [-j JOBS] [-n RUNS] [CASE...] - the cases of the loop again and again, two busy processes
# beside: a table of runs, hangs, runs that left something behind, runs that went wrong, and seconds.
# Not part of make test: 200 runs of each take about half an hour.
cd "$(dirname "$0")" || exit
runs=200 jobs=4
while getopts j:n: opt; do
	case $opt in
	j) jobs=$OPTARG ;;
	n) runs=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- $(lib/loop -l)

export LOOP_LIMIT=${LOOP_LIMIT:-60} TMPDIR
TMPDIR=$(mktemp -d) || exit
busy=()
trap 'kill "${busy[@]}" 2>/dev/null; rm -rf "$TMPDIR"' EXIT
for _ in 1 2; do
	sh -c 'while :; do :; done' &
	busy+=($!)
done

bad=0
printf '%-28s %5s %5s %7s %5s %7s\n' case runs hangs residue wrong seconds
for name; do
	begun=$SECONDS
	seq "$runs" | xargs -P "$jobs" -I% sh -c 'lib/loop "$1" >"$TMPDIR/log.$1.%" 2>&1; echo $?' sh "$name" >"$TMPDIR/statuses"
	count() { grep -cx "$1" "$TMPDIR/statuses"; }
	ok=$(count 0) hangs=$(count 124) residue=$(count 3) skipped=$(count 77)
	wrong=$((runs - ok - hangs - residue - skipped))
	if [ "$skipped" -eq "$runs" ]; then
		printf '%-28s skipped: %s\n' "$name" "$(cat "$TMPDIR/log.$name.1")"
		continue
	fi
	printf '%-28s %5d %5d %7d %5d %7d\n' "$name" "$runs" "$hangs" "$residue" "$wrong" $((SECONDS - begun))
	[ $((hangs + residue + wrong)) -eq 0 ] || { bad=1; cat "$TMPDIR"/log.* | sort | uniq -c | sort -nr | head >&2; }
	rm -f "$TMPDIR"/log.*
done
exit $bad
