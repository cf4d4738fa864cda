"""What transformers makes of logits before it draws, and of conversations by chat templates: text/generation.json."""

import json
import os

import torch
import transformers
from transformers import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from transformers.utils.chat_template_utils import render_jinja_template

HERE = os.path.dirname(os.path.abspath(__file__))

OPTIONS = [
    {},
    {"temperature": 0.7},
    {"temperature": 1.9},
    {"topK": 5},
    {"topK": 1},
    {"topP": 0.9},
    {"topP": 0.2},
    {"minP": 0.1},
    {"repetition": {"penalty": 1.3}},
    {"repetition": {"penalty": 0.8}},
    {"temperature": 0.8, "topK": 20, "topP": 0.85, "minP": 0.05, "repetition": {"penalty": 1.15}},
]


def probabilities(logits, ids, options):
    """The processors in the order of transformers' generate; the draw is from the softmax of what they leave."""
    scores = logits.clone()
    if "repetition" in options:
        scores = RepetitionPenaltyLogitsProcessor(options["repetition"]["penalty"])(ids, scores)
    if "temperature" in options:
        scores = TemperatureLogitsWarper(options["temperature"])(ids, scores)
    if "topK" in options:
        scores = TopKLogitsWarper(options["topK"])(ids, scores)
    if "topP" in options:
        scores = TopPLogitsWarper(options["topP"])(ids, scores)
    if "minP" in options:
        scores = MinPLogitsWarper(options["minP"])(ids, scores)
    return torch.softmax(scores, -1)


def penalized(logits, ids, presence, frequency):
    """The OpenAI API reference: mu[j] - c[j] * frequency - float(c[j] > 0) * presence, c counts what was sampled."""
    counts = torch.bincount(ids[0], minlength=logits.shape[-1]).to(logits.dtype)
    return torch.softmax(logits - counts * frequency - (counts > 0).to(logits.dtype) * presence, -1)


def sampling():
    generator = torch.Generator().manual_seed(11)
    cases = []
    for width in (40, 300):
        # float64, so that no tie of float32 decides what is cut; what is stored is rounded first.
        logits = (3 * torch.randn(1, width, generator=generator, dtype=torch.float32)).double()
        logits[0, 7] = logits[0, 3]
        ids = torch.randint(0, width, (1, 12), generator=generator)
        ids[0, 5] = ids[0, 2]
        found = [{"options": each, "probabilities": probabilities(logits, ids, each)[0].tolist()} for each in OPTIONS]
        for presence, frequency in ((0.5, 0), (0, 0.4), (0.3, 0.7)):
            options = {"presence": presence, "frequency": frequency}
            found.append({"options": options, "probabilities": penalized(logits, ids, presence, frequency)[0].tolist()})
        cases.append({"logits": logits[0].tolist(), "tokens": ids[0].tolist(), "found": found})
    return cases


# Written as published checkpoints have them; `name` says which form it is.
TEMPLATES = [
    {
        "name": "chatml with a default system message",
        "chat_template": "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
        "tokens": {"eos_token": "<|im_end|>"},
    },
    {
        "name": "headers and an end of turn",
        "chat_template": "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
        "tokens": {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
    },
    {
        "name": "turns that alternate, without a system role",
        "chat_template": "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}",
        "tokens": {"bos_token": "<bos>", "eos_token": "<eos>"},
    },
    {
        "name": "lines of their own, which the template's environment trims",
        "chat_template": "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}",
        "tokens": {"eos_token": {"__type": "AddedToken", "content": "</s>"}},
    },
    {
        "name": "instructions with the system message in the first",
        "chat_template": "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
        "tokens": {"bos_token": "<s>", "eos_token": "</s>"},
    },
]

CONVERSATIONS = [
    [{"role": "user", "content": "What is a norm?"}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " Hello \n"}],
    [
        {"role": "user", "content": "1 < 2 & \"so\"?"},
        {"role": "assistant", "content": "Yes: {{ it }} is."},
        {"role": "user", "content": "日本語 😀"},
    ],
    [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
]


def chats():
    cases = []
    for template in TEMPLATES:
        tokens = {
            key: value["content"] if isinstance(value, dict) else value for key, value in template["tokens"].items()
        }
        texts = []
        for conversation in CONVERSATIONS:
            try:
                rendered, _ = render_jinja_template(
                    conversations=[conversation],
                    chat_template=template["chat_template"],
                    add_generation_prompt=True,
                    **tokens,
                )
                texts.append({"text": rendered[0]})
            except Exception as error:
                texts.append({"refused": str(error)})
        cases.append({**template, "texts": texts})
    return {"conversations": CONVERSATIONS, "templates": cases}


def make():
    path = os.path.join(HERE, "text", "generation.json")
    made = {"transformers": transformers.__version__, "sampling": sampling(), "chats": chats()}
    with open(path, "w") as file:
        json.dump(made, file, indent=1, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    make()
