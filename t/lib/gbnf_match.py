"""A matcher of GBNF that shares nothing with sample/: every rule's ends at every place, remembered.

Grammar(text).match(string): whether root can be the whole string. No left recursion."""
import sys

sys.setrecursionlimit(20000)


class Grammar:
    def __init__(self, text):
        self.t, self.i, self.rules = text, 0, {}
        self.blank(True)
        while self.i < len(text):
            name = self.name()
            self.blank(False)
            assert text.startswith('::=', self.i), text[self.i:self.i + 20]
            self.i += 3
            self.blank(True)
            self.rules[name] = self.either(False)
            self.blank(True)

    def blank(self, lines):
        while self.i < len(self.t):
            c = self.t[self.i]
            if c == '#':
                while self.i < len(self.t) and self.t[self.i] != '\n':
                    self.i += 1
            elif c in ' \t' or (lines and c in '\r\n'):
                self.i += 1
            else:
                return

    def name(self):
        j = self.i
        while self.i < len(self.t) and (self.t[self.i].isalnum() or self.t[self.i] == '-'):
            self.i += 1
        return self.t[j:self.i]

    def char(self):
        c = self.t[self.i]
        self.i += 1
        if c != '\\':
            return c
        c = self.t[self.i]
        self.i += 1
        n = {'x': 2, 'u': 4, 'U': 8}.get(c)
        if n:
            self.i += n
            return chr(int(self.t[self.i - n:self.i], 16))
        return {'n': '\n', 'r': '\r', 't': '\t'}.get(c, c)

    def either(self, nested):
        out = [self.sequence(nested)]
        while self.t[self.i:self.i + 1] == '|':
            self.i += 1
            self.blank(True)
            out.append(self.sequence(nested))
        return ('either', out)

    def sequence(self, nested):
        out = []
        while True:
            self.blank(nested)
            c = self.t[self.i:self.i + 1]
            if c in ('', '|', ')', '\n', '\r'):
                return ('all', out)
            self.i += 1
            if c == '"':
                s = ''
                while self.t[self.i] != '"':
                    s += self.char()
                self.i += 1
                one = ('text', s)
            elif c == '[':
                no, ranges = self.t[self.i] == '^', []
                self.i += no
                while self.t[self.i] != ']':
                    a = b = self.char()
                    if self.t[self.i] == '-' and self.t[self.i + 1] != ']':
                        self.i += 1
                        b = self.char()
                    ranges.append((a, b))
                self.i += 1
                one = ('class', no, ranges)
            elif c == '.':
                one = ('class', True, [])
            elif c == '(':
                self.blank(True)
                one = self.either(True)
                self.blank(True)
                assert self.t[self.i] == ')'
                self.i += 1
            else:
                self.i -= 1
                one = ('rule', self.name())
            while True:
                self.blank(nested)
                c = self.t[self.i:self.i + 1]
                if c in ('*', '+', '?') and c:
                    self.i += 1
                    one = ('repeat', one, int(c == '+'), 1 if c == '?' else None)
                elif c == '{':
                    j = self.t.index('}', self.i)
                    low, comma, high = self.t[self.i + 1:j].replace(' ', '').partition(',')
                    self.i = j + 1
                    one = ('repeat', one, int(low or 0), (int(high) if high else None) if comma else int(low))
                else:
                    break
            out.append(one)

    def ends(self, e, at):
        kind = e[0]
        if kind == 'text':
            return {at + len(e[1])} if self.s.startswith(e[1], at) else set()
        if kind == 'class':
            if at == len(self.s):
                return set()
            return {at + 1} if e[1] != any(a <= self.s[at] <= b for a, b in e[2]) else set()
        if kind == 'rule':
            key = e[1], at
            if key not in self.memo:
                self.memo[key] = self.ends(self.rules[e[1]], at)
            return self.memo[key]
        if kind == 'either':
            return set().union(*(self.ends(x, at) for x in e[1]))
        now = {at}
        if kind == 'all':
            for x in e[1]:
                now = set().union(*(self.ends(x, i) for i in now)) if now else now
            return now
        out, n = set(now) if e[2] == 0 else set(), 0
        seen = set()
        while now and (e[3] is None or n < e[3]):
            now = set().union(*(self.ends(e[1], i) for i in now))
            n += 1
            if n >= e[2]:
                if e[3] is None:
                    now -= seen
                    seen |= now
                out |= now
        return out

    def match(self, s):
        self.s, self.memo = s, {}
        return len(s) in self.ends(('rule', 'root'), 0)
