# loop.bats - generation goes round: every case of the closed loop, its ends and its failures.
# The cases are in t/lib/loop, which t/stress.sh runs, too.

load common

[ -z "$LLM_SANITIZER" ] || export LOOP_SLOW=8 LOOP_LIMIT=120

loop()
{
	export LLM_BIN=$BIN TMPDIR=$BATS_TEST_TMPDIR
	run "$BATS_TEST_DIRNAME/lib/loop" "$1"
	[ "$status" -ne 77 ] || skip "${lines[0]}"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "every case of t/lib/loop is run here" {
	diff <("$BATS_TEST_DIRNAME/lib/loop" -l | sort) \
		<(sed -n 's/^@test .* { loop \(.*\); }$/\1/p' "$BATS_TEST_DIRNAME/loop.bats" | sort)
}

@test "the literal line" { loop literal; }
@test "several lines are several turns in one context" { loop turns; }
@test "an answer that ended by itself is in the context" { loop turns_full_answers; }
@test "an empty line begins a new context" { loop sequences; }
@test "tee in the middle" { loop tee; }
@test "a recording gives the same text with the same seed" { loop replay; }
@test "any number of threads gives the same text" { loop threads; }
@test "pipelines at once" { loop two_at_once; }
@test "lists of a live stream end each turn" { loop list_live; }

@test "a filter in Python doubles the logits" { loop filter_python; }
@test "a filter sleeps 3 s before it reads" { loop filter_sleeps; }
@test "sockets in place of pipes, slow readers and foreign ones" { loop filter_sleeps_sockets; }
@test "filters in a row" { loop filters_in_a_row; }

@test "reader: od" { loop reader_od; }
@test "reader: head -c 100" { loop reader_head; }
@test "reader: cat >/dev/null" { loop reader_cat; }
@test "reader: a file" { loop reader_file; }
@test "reader: a closed pipe" { loop reader_closed; }
@test "reader: none, stdout is closed" { loop reader_none; }
@test "reader: one that does not read for a while" { loop reader_waits; }
@test "reader: a terminal" { loop reader_terminal; }
@test "reader: one that dies before it has read" { loop reader_dies_unread; }
@test "-1 makes no channel and does not wait" { loop one_way; }

@test "kill -9 of llm-fwd ends all within a second" { loop kill_fwd; }
@test "kill -9 of llm-sample ends all within a second" { loop kill_sample; }
@test "kill -9 of llm-detok ends all within a second" { loop kill_detok; }
@test "kill -9 of llm-tok ends all after the turn" { loop kill_tok; }
@test "kill -9 of each, between two turns, llm-tok at an open stdin" { loop kill_between; }
@test "kill -9 of each, before the first line" { loop kill_before; }
@test "kill -9 of each, while the prompt is computed" { loop kill_in_prompt; }
@test "kill -9 of llm-sample behind tee, between two turns" { loop kill_sample_behind_tee; }
@test "signals before the sampler is there leave nothing" { loop signals; }
@test "Ctrl-C amid generation" { loop ctrl_c; }
@test "Ctrl-C at an open stdin" { loop ctrl_c_waiting; }
@test "Ctrl-C before a sampler is there" { loop ctrl_c_unconnected; }
@test "Ctrl-D ends all" { loop ctrl_d; }

@test "-r: the loop closed by hand" { loop by_hand; }
@test "-r: the loop closed by hand, llm-fwd -1" { loop by_hand_one_way; }

@test "TMPDIR that does not exist" { loop tmpdir_missing; }
@test "TMPDIR that is a file" { loop tmpdir_is_a_file; }
@test "TMPDIR that cannot be written" { loop tmpdir_read_only; }
@test "the reply path swapped for a symbolic link: refused" { loop swapped_for_symlink; }
@test "the reply path swapped for a file: refused" { loop swapped_for_file; }
@test "the reply path or its folder of another owner: refused" { loop swapped_for_other_owner; }
@test "the folder of the reply path open to others, or a link: refused" { loop swapped_for_open_folder; }
@test "the reply path gone: a recording" { loop swapped_for_nothing; }

@test "who fails speaks alone: llm-tok" { loop fail_tok; }
@test "who fails speaks alone: llm-fwd" { loop fail_fwd; }
@test "who fails speaks alone: llm-fwd, behind an answer" { loop fail_amid; }
@test "who fails speaks alone: llm-sample" { loop fail_sample; }
@test "who fails speaks alone: llm-detok" { loop fail_detok; }
@test "who fails speaks alone: a full disk" { loop fail_full_disk; }
@test "no input: no output, no complaint" { loop empty_input; }
