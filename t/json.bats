#!/usr/bin/env bats
# json.bats - lib/json: what it refuses, and the values it reads, against Python's json.

load common

@test "JSON is taken and refused as Python's json does, and gives the same values" {
	command -v python3 >/dev/null || skip "no python3 here"
	python3 "$REPO/t/lib/json_check.py" "$LLM_UNIT/json_test"
}
