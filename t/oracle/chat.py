"""Ten turns at -t 0 through the pipe: all that the model saw is what transformers would have fed it.

  chat.py MODEL.gguf    a model with a chat template; the four programs are found by PATH
"""
import os
import subprocess
import sys

from transformers import AutoTokenizer

QUESTIONS = ['What is the capital of France?', 'And of Germany?', 'Name three colours.', 'Which of them is the warmest?',
             'What is 2 + 2?', 'Tell me a very short story about a fox.', 'What was it about?', ' Spell "Größe".  ',
             'Write a line of C.', 'Thank you! 🎉']


def run(command, text):
    return subprocess.run(command, shell=True, input=text, capture_output=True, check=True).stdout


def main():
    path = sys.argv[1]
    os.environ['LLM_MODEL'] = path
    tok = AutoTokenizer.from_pretrained(os.path.dirname(path), gguf_file=os.path.basename(path))
    lines = run('llm-tok -c | llm-fwd -a | llm-sample -p -t 0 -n 40',
                ''.join(q + '\n' for q in QUESTIONS).encode()).decode().splitlines()
    lines = [s for s in lines if not s.startswith('#')]
    prompts = [s for s in run('llm-tok -cq', ''.join(q + '\n' for q in QUESTIONS).encode()).decode().splitlines()]
    assert len(lines) == len(prompts) == len(QUESTIONS), (len(lines), len(prompts))
    seen, talk, same = [], [], 0
    for question, line, prompt in zip(QUESTIONS, lines, prompts):
        ids, fed = [int(i) for i in line.split()], [int(i) for i in prompt.split()]
        assert ids[:len(fed)] == fed, (ids, fed)
        talk.append({'role': 'user', 'content': question})
        want = tok.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
        seen += fed
        got = tok.decode(seen, clean_up_tokenization_spaces=False)
        assert got == want, (got, want)
        same += seen == tok(want, add_special_tokens=False)['input_ids']
        answer = ids[len(fed):]
        seen += answer
        talk.append({'role': 'assistant', 'content': tok.decode(answer, clean_up_tokenization_spaces=False)})
    print('%d prompts as text, %d of them as ids, too' % (len(QUESTIONS), same))
    return same < len(QUESTIONS) - 1


sys.exit(main())
