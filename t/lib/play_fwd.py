"""play_fwd.py MODE QUESTION...: plays llm-fwd for a vocabulary of 10 tokens, as llm-logits(5) says.

A question is "3,4": its ids. After token t the likeliest is t + 1; 9 ends a generation.
What came over the reply channel goes to the file `replies`, a note of the hello to `hello`.
MODE: talk; all (a row for every token); deaf (closes the channel after the hello); wrong (a
token that was not sent); die (ends at the second reply); full (the context is full at 7 tokens);
quiet (reads the channel but never answers)."""
import os, sys, tempfile
from rows import ANSWER, FULL, REPLY, header, row

WIDTH, EOG = 10, 9
mode, questions = sys.argv[1], [[int(i) for i in q.split(',')] for q in sys.argv[2:]]
position = 0


def answer(token, flags):
    global position
    logits = [-float(abs(i - (token + 1) % WIDTH)) for i in range(WIDTH)]
    if mode == 'full' and position == 6:
        flags |= FULL
    os.write(1, row(0, position, token, flags, logits))
    position += 1


folder = tempfile.mkdtemp(prefix='llm-fwd.')
path = folder + '/reply'
os.mkfifo(path, 0o600)
fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
os.set_blocking(fd, True)
os.write(1, header(WIDTH, 'eog %d' % EOG, 'reply ' + path))
keep = os.open(path, os.O_WRONLY)  # so that reading waits for the sampler
back = os.fdopen(fd)
log = open('replies', 'w')
assert back.readline() == '# llm-tokens 1\n'
assert back.readline() == '# pipe %d %d\n' % (os.fstat(1).st_dev, os.fstat(1).st_ino)
os.close(keep)
os.unlink(path)
os.rmdir(folder)
open('hello', 'w').close()
if mode == 'deaf':
    back.close()
for question in questions:
    for i, token in enumerate(question):
        last = i == len(question) - 1
        if last or mode == 'all':
            answer(token, ANSWER if last else 0)
        else:
            position += 1
    if mode == 'deaf':
        continue
    for n, line in enumerate(back):
        log.write(line)
        log.flush()
        if mode == 'die' and n == 1:
            os._exit(1)
        if mode == 'quiet':
            continue
        if line.startswith('#'):
            continue
        if line == '\n':
            break
        answer(int(line) + (mode == 'wrong'), REPLY)
    else:
        sys.exit(0)  # the sampler has left
