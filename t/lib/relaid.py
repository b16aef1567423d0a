#!/usr/bin/env python3
"""Write FOLDER/tokenizer.json anew, the same vocabulary laid out in another way: relaid.py FOLDER HOW"""
import json
import random
import sys

path, how = sys.argv[1] + '/tokenizer.json', sys.argv[2]
d = json.load(open(path, encoding='utf-8'))
m = d['model']
split = [p.split(' ') if isinstance(p, str) else p for p in m['merges']]
m['merges'] = split if how in ('indented', 'spaced', 'escaped') else [' '.join(p) for p in split]
vocab = list(m['vocab'].items())
if how == 'backward':
    vocab.reverse()
elif how == 'shuffled':
    random.Random(1).shuffle(vocab)
m['vocab'] = dict(vocab)
if 'last first' in how:
    d['model'] = {k: m[k] for k in reversed(m)}
if how == 'lines, last first': # and a list at the end
    d['model']['more'] = []
    d = {k: d[k] for k in reversed(d)}
    d['more'] = {'list': [[], 1]}
indent = 2 if how == 'indented' or 'lines' in how else None
with open(path, 'w', encoding='utf-8') as f:
    json.dump(d, f, ensure_ascii=how == 'escaped', indent=indent,
              separators=(', \n\t', '  :  ') if how == 'spaced' else None if indent else (',', ':'))
