# split.bats - models in parts: any part named opens all; parts that do not fit are refused.

load common

setup()
{
	cd_scratch
	need_python
	mkdir 'a folder'
	# parts OUT COUNT [CHANGE]: a small model, whole as OUT.gguf and in parts; CHANGE sees p, the parts
	cat >parts.py <<-'END'
		import sys
		from mkgguf import *
		out, count = sys.argv[1], int(sys.argv[2])
		g = spm(layers=3)
		open(out + '.gguf', 'wb').write(g.bytes())
		p = [Gguf() for _ in range(count)]
		for i, part in enumerate(p):
		    part.kv = [list(kv) for kv in g.kv] if i == 0 else []
		    part.set('split.no', scalar(U16, i)).set('split.count', scalar(U16, count))
		    part.set('split.tensors.count', scalar(I32, len(g.tensors)))
		for i, t in enumerate(g.tensors):
		    p[i * count // len(g.tensors)].tensors.append(t)
		exec(sys.argv[3] if len(sys.argv) > 3 else '')
		for i, part in enumerate(p):
		    open('%s-%05d-of-%05d.gguf' % (out, i + 1, count), 'wb').write(part.bytes())
	END
}

parts()
{
	PYTHONPATH="$BATS_TEST_DIRNAME/lib" "$PYTHON" parts.py "$@"
}

body() # MODEL: the rows, behind the header
{
	echo 1 5 9 | llm-fwd -1a "$1" | sed '1,/^$/d'
}

@test "any part opens all: logits, ids and text" {
	parts 'a folder/m' 4
	body 'a folder/m.gguf' >want
	[ -s want ]
	echo 'hi ab' | llm-tok -q 'a folder/m.gguf' >ids
	for i in 1 2 3 4; do
		m="a folder/m-0000$i-of-00004.gguf"
		body "$m" | cmp - want
		echo 'hi ab' | llm-tok -q "$m" | cmp - ids
		echo 'hi ab' | llm-tok "$m" | llm-detok | cmp - <(echo 'hi ab')
		echo 'hi ab' | llm-tok "$m" | llm-fwd "$m" | llm-sample -t 0 -n 3 | llm-detok >out
		[ "$(wc -l <out)" -ge 1 ]
	done
}

@test "a first part without tensors; one part of one; links" {
	parts m 3 'p[1].tensors = p[0].tensors + p[1].tensors; p[0].tensors = []'
	body m.gguf >want
	body m-00001-of-00003.gguf | cmp - want
	body m-00003-of-00003.gguf | cmp - want
	parts n 1
	body n-00001-of-00001.gguf | cmp - want
	for i in 1 2 3; do ln -s "../m-0000$i-of-00003.gguf" "a folder/x-0000$i-of-00003.gguf"; done
	body 'a folder/x-00002-of-00003.gguf' | cmp - want
}

@test "a part that is missing, has another name or is another file" {
	parts m 3
	cp m-00002-of-00003.gguf x.gguf
	fails 1 llm-fwd x.gguf
	[[ $stderr = *'part 2 of 3'*'-00002-of-00003.gguf'*rename* ]]
	cp m-00001-of-00003.gguf m-00002-of-00003.gguf
	fails 1 llm-fwd m-00003-of-00003.gguf
	[[ $stderr = *'m-00002-of-00003.gguf: not part 2 of 3'* ]]
	echo text >m-00002-of-00003.gguf
	fails 1 llm-fwd m-00003-of-00003.gguf
	[[ $stderr = *'m-00002-of-00003.gguf: not a GGUF file'* ]]
	rm m-00002-of-00003.gguf
	fails 1 llm-fwd m-00001-of-00003.gguf
	[[ $stderr = 'llm-fwd: m-00002-of-00003.gguf: No such file'* ]]
	rm m-00001-of-00003.gguf
	fails 1 llm-tok m-00003-of-00003.gguf
	[[ $stderr = 'llm-tok: m-00001-of-00003.gguf: No such file'* ]]
}

@test "parts that contradict each other" {
	parts m 3 'p[2].tensors.append(p[1].tensors[0])'
	fails 1 llm-fwd m-00001-of-00003.gguf
	[[ $stderr = *'stands twice'* ]]
	parts m 3 'p[2].tensors.pop()'
	fails 1 llm-fwd m-00001-of-00003.gguf
	[[ $stderr = *'tensors in 3 parts, not '* ]]
	parts m 3 'p[1].set("split.count", scalar(U16, 4))'
	fails 1 llm-fwd m-00001-of-00003.gguf
	[[ $stderr = *'m-00002-of-00003.gguf: not part 2 of 3'* ]]
	parts m 3 'p[0].set("split.no", scalar(U16, 3))'
	fails 1 llm-fwd m-00001-of-00003.gguf
	[[ $stderr = *split.no* ]]
	parts m 2 'p[0].set("split.count", scalar(STRING, "2"))'
	fails 1 llm-fwd m-00001-of-00002.gguf
	[[ $stderr = *split.count* ]]
	parts m 2 'p[0].set("split.tensors.count", None)'
	fails 1 llm-fwd m-00001-of-00002.gguf
	[[ $stderr = *'not 0'* ]]
}
