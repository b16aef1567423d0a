/* model.c - which model a program works on; see model.h. */
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef DATADIR
#define DATADIR "/usr/local/share/llmutils"
#endif

/* The folder above the one that this program lies in ("/usr" of "/usr/bin/llm-tok");
 * "" where the system does not tell. */
static void
program_prefix(char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);
	buf[n > 0 ? n : 0] = 0;
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(buf, '/');
		*(slash ? slash : buf) = 0;
	}
}

const char *
model_path(const char *operand)
{
	static const char *const below[] = {"/share/llmutils/m.bin", "/m.bin"};
	const char *env = getenv("LLM_MODEL");
	char prefix[2048];
	if (operand)
		return operand;
	if (env && *env)
		return env;
	program_prefix(prefix, sizeof prefix);
	for (size_t i = 0; *prefix && i < sizeof below / sizeof *below; i++) {
		size_t n = strlen(prefix) + strlen(below[i]) + 1;
		char *path = xreallocarray(NULL, n, 1);
		snprintf(path, n, "%s%s", prefix, below[i]);
		if (access(path, R_OK) == 0)
			return path; /* lives as long as the program */
		xfree(path);
	}
	if (access(DATADIR "/m.bin", R_OK) == 0)
		return DATADIR "/m.bin";
	die("no model: name one as the operand or in LLM_MODEL (none is installed in " DATADIR ")");
}
