# instrument.bats - the recipes of llmutils(7) that look inside and steer, as they are printed there,
# against what transformers computes with hooks in the same small model (t/oracle/instrument.py).

load common

MODEL=$BATS_TEST_DIRNAME/fixtures/instrument
ids() { cat "$MODEL/$1.ids"; }

setup()
{
	need_python
	cd_scratch
	export LLM_MODEL=$MODEL
}

# script NAME: a script of the page
script()
{
	awk -f "$REPO/t/lib/examples.awk" -v mode=script "$REPO/man/llmutils.7" |
		sed -n "/^cat >$1 <<'EOF'\$/,/^EOF\$/p" | sh
	[ -s "$1" ]
}

near() # FIXTURE <ROWS
{
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/rowdiff.py" "$MODEL/$1.f32" 1e-4
}

@test "hidden states behind each layer" {
	for n in 1 2 3; do
		ids prompt | llm-fwd -1 -k f32 -l 0:$n | near hidden-$n
	done
	! ids prompt | llm-fwd -1 -k f32 -l 0:1 | near hidden-2
}

@test "the logit lens behind each layer" {
	for n in 1 2 3; do
		ids prompt | llm-fwd -1 -k f32 -l 0:$n | llm-fwd -a -l 4: | near lens-$n
	done
}

@test "two stages: the logits of one model" {
	ids prompt | llm-fwd -1 -k f32 -l 0:2 | llm-fwd -a -k f32 -l 2: | near lens-4
}

@test "embeddings" {
	ids prompt | llm-fwd -a -e -k f32 | near embed
}

@test "steering, by the page's steer.py" {
	script steer.py
	ids a | llm-fwd -1 -k f32 -l 0:2 >a
	ids b | llm-fwd -1 -k f32 -l 0:2 >b
	ids prompt | llm-fwd -1 -k f32 -l 0:2 | "$PYTHON" steer.py a b 0.7 | llm-fwd -a -k f32 -l 2: | near steered
}

@test "guidance, by the page's guide.py" {
	script guide.py
	one_by_one() { ids "$1"; ids follow | tr ' ' '\n'; }
	one_by_one unconditioned | llm-fwd -1 -k f32 >other
	one_by_one conditioned | llm-fwd -1 -k f32 | "$PYTHON" guide.py other 2.5 | near guided
}
