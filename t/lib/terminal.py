"""terminal.py COMMAND STEP...: run a shell command at a terminal of its own and play the user.

Steps: "send TEXT" types it (\\x03 is Ctrl-C, \\x04 Ctrl-D); "expect TEXT" waits until it was
printed behind what was expected last; "end" waits for the end and for the terminal to be left by
all. Exit status: 0; 1 if something did not come in time. What was printed goes to stdout."""
import glob, os, pty, select, sys, time

LIMIT = 15
child, fd = pty.fork()
if child == 0:
    os.execvp('bash', ['bash', '-c', sys.argv[1]])
seen, at = b'', 0


def more(until):
    """What comes next; None: the end."""
    global seen
    if not select.select([fd], [], [], max(0, until - time.monotonic()))[0]:
        print(seen.decode(errors='replace'))
        sys.exit('terminal.py: nothing for %d s' % LIMIT)
    try:
        got = os.read(fd, 4096)
    except OSError:  # Linux: nobody has the terminal open any more
        got = b''
    seen += got
    return got or None


for step in sys.argv[2:]:
    verb, _, text = step.partition(' ')
    text = text.encode().decode('unicode_escape').encode()
    until = time.monotonic() + LIMIT
    if verb == 'send':
        os.write(fd, text)
    elif verb == 'expect':
        while text not in seen[at:]:
            if more(until) is None:
                print(seen.decode(errors='replace'))
                sys.exit('terminal.py: it ended before %r' % text)
        at = seen.index(text, at) + len(text)
    elif verb == 'file':
        while not glob.glob(os.path.expandvars(step[5:])):
            if time.monotonic() > until:
                sys.exit('terminal.py: no file ' + step[5:])
            time.sleep(0.01)
    elif verb == 'end':
        while more(until):
            pass
        os.waitpid(child, 0)
sys.stdout.write(seen.decode(errors='replace').replace('\r\n', '\n'))
