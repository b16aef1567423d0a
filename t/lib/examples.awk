# examples.awk - the examples of a man page or of the README: run, compared, renewed.
#
# In an mdoc page a block from ".Bd -literal" to ".Ed", in Markdown one from ``` to ```, is a
# session if its first line begins with "$ ". A line "$ COMMAND" is a command, lines "> MORE" behind
# it continue it, and what follows up to the next "$ " is what it prints, on stdout and stderr.
# An output line "..." stands for any lines; blanks at the end of a line do not count. Numbers with a decimal point may differ by 0.01:
# the last digits of a logit depend on the compiler. A comment .\" needs PROGRAM... before a block leaves
# it out where one of these is not installed.
#
#	awk -f examples.awk -v mode=script DOC             a script that runs them all, one shell
#	awk -f examples.awk -v mode=compare DOC OUT        differences; status 1 if there are any
#	awk -f examples.awk -v mode=fill DOC OUT           DOC, with the output as it is in OUT
#
# OUT is what the script printed.

BEGIN { mark = "@@@ end of example " }

FNR == 1 { file++ }

file == 1 { line[++lines] = $0; mdoc = mdoc || /^\.Dt / }

file == 2 {
	if (index($0, mark) == 1) {
		if (outs && out[outs] == "")
			outs--
		got_first[++done] = got_at + 1
		got_last[done] = got_at = outs
	} else
		out[++outs] = $0
}

END {
	parse()
	if (mode == "script")
		script()
	else
		exit compare(mode == "fill")
}

function begins(s) { return mdoc ? s ~ /^\.Bd -literal/ : s ~ /^```./ }
function ends(s) { return mdoc ? s ~ /^\.Ed/ : s == "```" }

function plain(s) {
	if (!mdoc)
		return s
	gsub(/\\&/, "", s)
	gsub(/\\\(aq/, "'", s)
	gsub(/\\\(dq/, "\"", s)
	gsub(/\\\(ti/, "~", s)
	gsub(/\\\(ha/, "^", s)
	gsub(/\\-/, "-", s)
	gsub(/\\e/, "\\", s)
	return s
}

function quoted(s) {
	sub(/[ \t]+$/, "", s)
	if (!mdoc)
		return s
	gsub(/\\/, "\\e", s)
	return s ~ /^[.']/ ? "\\&" s : s
}

# Whether one of these programs is not installed.
function lacks(programs,   i, n, name) {
	n = split(programs, name, " ")
	for (i = 1; i <= n; i++)
		if (system("command -v " name[i] " >/dev/null"))
			return 1
	return 0
}

# Commands cmd[1..n]; want lines are line[want_first..want_last] of the document.
function parse(   i, inside, missing, command, s) {
	for (i = 1; i <= lines; i++) {
		if (!inside) {
			if (line[i] ~ /^\.\\" needs /)
				missing = lacks(substr(line[i], 11))
			if (begins(line[i])) {
				inside = !missing && substr(line[i + 1], 1, 2) == "$ "
				missing = 0
			}
			continue
		}
		s = plain(line[i])
		if (ends(line[i]))
			inside = 0
		else if (substr(s, 1, 2) == "$ ") {
			cmd[++n] = substr(s, 3)
			want_first[n] = i + 1
			want_last[n] = i
			command = 1
		} else if (command && (s == ">" || substr(s, 1, 2) == "> ")) {
			cmd[n] = cmd[n] "\n" substr(s, 3)
			want_first[n] = i + 1
			want_last[n] = i
		} else {
			command = 0
			want_last[n] = i
		}
	}
}

function script(   i) {
	for (i = 1; i <= n; i++)
		printf "%s\nprintf '\\n%s%%d\\n' %d\n", cmd[i], mark, i
}

function is_real(s) { return s ~ /^-?[0-9]+\.[0-9]+(e[-+]?[0-9]+)?$/ }

function same_line(a, b,   i, x, y, n, m, d) {
	sub(/[ \t]+$/, "", a)
	sub(/[ \t]+$/, "", b)
	if (a == b)
		return 1
	n = split(a, x, /[ \t]+/)
	m = split(b, y, /[ \t]+/)
	if (n != m)
		return 0
	for (i = 1; i <= n; i++) {
		if (x[i] == y[i])
			continue
		d = x[i] - y[i]
		if (!is_real(x[i]) || !is_real(y[i]) || d > 0.01 || d < -0.01)
			return 0
	}
	return 1
}

# Whether want lines w..w1 of the document match output lines o..o1.
function match_lines(w, w1, o, o1) {
	for (; w <= w1; w++) {
		if (line[w] == "...") {
			for (; o <= o1 + 1; o++)
				if (match_lines(w + 1, w1, o, o1))
					return 1
			return 0
		}
		if (o > o1 || !same_line(plain(line[w]), out[o++]))
			return 0
	}
	return o > o1
}

function compare(fill,   i, j, next_line, bad) {
	next_line = 1
	for (i = 1; i <= n; i++) {
		if (fill && i > done || i <= done &&
			match_lines(want_first[i], want_last[i], got_first[i], got_last[i]))
			continue
		bad = 1
		if (fill) {
			for (; next_line < want_first[i]; next_line++)
				print line[next_line]
			for (j = got_first[i]; j <= got_last[i]; j++)
				print quoted(out[j])
			next_line = want_last[i] + 1
			continue
		}
		print "line " want_first[i] - 1 ": $ " cmd[i]
		for (j = want_first[i]; j <= want_last[i]; j++)
			print "  printed there: " plain(line[j])
		for (j = got_first[i]; i <= done && j <= got_last[i]; j++)
			print "  what comes:    " out[j]
		if (i > done)
			print "  what comes:    nothing, the shell ended before it"
	}
	for (; fill && next_line <= lines; next_line++)
		print line[next_line]
	return !fill && bad
}
