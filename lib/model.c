/* model.c - which model a program works on; see model.h. */
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef DATADIR
#define DATADIR "/usr/local/share/llmutils"
#endif

/* The folder that this program lies in, "" where the system does not tell. */
static void
program_folder(char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);
	buf[n > 0 ? n : 0] = 0;
	char *slash = strrchr(buf, '/');
	if (slash)
		*slash = 0;
	else
		*buf = 0;
}

const char *
model_path(const char *operand)
{
	static const char *const beside[] = {"/../share/llmutils/m.bin", "/../m.bin"};
	const char *env = getenv("LLM_MODEL");
	char dir[2048];
	if (operand)
		return operand;
	if (env && *env)
		return env;
	program_folder(dir, sizeof dir);
	for (size_t i = 0; *dir && i < sizeof beside / sizeof *beside; i++) {
		size_t n = strlen(dir) + strlen(beside[i]) + 1;
		char *path = xreallocarray(NULL, n, 1);
		snprintf(path, n, "%s%s", dir, beside[i]);
		char *real = realpath(path, NULL);
		xfree(path);
		if (real)
			return real; /* lives as long as the program */
	}
	if (access(DATADIR "/m.bin", R_OK) == 0)
		return DATADIR "/m.bin";
	die("no model: name one as the operand or in LLM_MODEL (none is installed in " DATADIR ")");
}
