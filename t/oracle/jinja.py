"""Templates against Jinja2, as apply_chat_template() sets it up.

  jinja.py PROGRAM TEMPLATE...   PROGRAM is build/t/unit/jinja_test

Conversations of 1, 2 and 5 turns, with and without a system message, with and
without the generation prompt. Where Jinja2 raises, so must we.
"""
import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    tags = {'generation'}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(['name:endgeneration'], drop_needle=True)
        return nodes.Scope(body).set_lineno(line)


def environment():
    def raise_exception(message):
        raise TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters['tojson'] = tojson
    env.globals['raise_exception'] = raise_exception
    env.globals['strftime_now'] = lambda f: datetime.now().strftime(f)
    return env


def conversations():
    said = ['Hi there!', ' What is 2 + 2?\n', 'Größe & <b>"5"</b> 日本語 🎉', "It's \\n a 'test'", 'Bye']
    answers = ['Hello.', '4', '<think>\nhm\n</think>\n\nYes', 'Fine \n', 'x']
    for turns in (1, 2, 5):
        for system in (None, 'You are terse.'):
            messages = [{'role': 'system', 'content': system}] if system else []
            for i in range(turns):
                messages.append({'role': 'user', 'content': said[i]})
                messages.append({'role': 'assistant', 'content': answers[i]})
            yield True, messages[:-1]
            yield False, messages


def ours(program, template, variables):
    with tempfile.NamedTemporaryFile('w', suffix='.json') as f:
        json.dump(variables, f)
        f.flush()
        p = subprocess.run([program, template, f.name], capture_output=True)
    return p.stdout.decode() if p.returncode == 0 else None, p.stderr.decode()


def main():
    program, bad = sys.argv[1], 0
    for path in sys.argv[2:]:
        source, said = open(path, newline='').read(), []
        for prompt, messages in conversations():
            variables = {'messages': messages, 'add_generation_prompt': prompt, 'tools': None, 'documents': None,
                         'bos_token': '<s>', 'eos_token': '</s>', 'pad_token': '<pad>', 'unk_token': '<unk>'}
            try:
                want, why = environment().from_string(source).render(**variables), ''
            except Exception as e:
                want, why = None, '%s: %s' % (type(e).__name__, e)
            got, err = ours(program, path, variables)
            if got != want:
                said.append('turns %d prompt %d\n  want %r %s\n  got  %r %s' % (
                    len(messages), prompt, want and want[-300:], why, got and got[-300:], err))
        bad += bool(said)
        print(os.path.basename(path), 'differs: %s' % said[0] if said else 'same')
    print('%d of %d differ' % (bad, len(sys.argv) - 2))
    return bad > 0


if __name__ == '__main__':
    sys.exit(main())
