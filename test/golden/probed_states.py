"""How far the sizes that `lmg probe FOLDER` finds behind each layer are from those of transformers' hidden states in float64.

    python test/golden/probed_states.py [LMG]

The checkpoint is shaped like GPT-2: 6 layers, width 64, weights drawn anew here, norms and biases among them. LMG is the built command,
dist/cli/main.js if it is not given. The last hidden state is behind the final norm, which no residual edge is, and is left out.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, models

TEXT = "What residual edges and norms do to a stream."
LAYERS = 6

lmg = sys.argv[1] if len(sys.argv) > 1 else "dist/cli/main.js"
vocabulary = {character: index for index, character in enumerate(sorted(set(TEXT)))}
torch.manual_seed(1)
config = transformers.GPT2Config(
    vocab_size=len(vocabulary), n_positions=64, n_embd=64, n_layer=LAYERS, n_head=4, bos_token_id=0, eos_token_id=0
)
model = transformers.GPT2LMHeadModel(config).eval()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))

with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    model.save_pretrained(folder)
    Tokenizer(models.BPE(vocab=vocabulary, merges=[])).save(str(folder / "tokenizer.json"))
    (folder / "text.txt").write_text(TEXT)
    line = ["node", lmg, "probe", name, "--data", str(folder / "text.txt"), "--context", str(len(TEXT)), "--all", "--json"]
    (case,) = json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)["cases"]

tokens = torch.tensor([[vocabulary[character] for character in TEXT]])
with torch.no_grad():
    states = model.double()(input_ids=tokens, output_hidden_states=True).hidden_states
# The embedding's edge, and of each layer the second.
behind = case["edges"][0::2]
assert len(behind) == LAYERS + 1 == len(states), f"{len(behind)} edges, {len(states)} hidden states"


def largest(name, of, measured):
    differences = [abs(measured(edge) / of(state).item() - 1) for edge, state in zip(behind[:-1], states[:-1])]
    print(f"{name} behind the embedding and {len(differences) - 1} layers: {max(differences):.2g} of transformers'")


largest("RMS", lambda state: state.square().mean().sqrt(), lambda edge: edge["before"]["activation"])
largest("max", lambda state: state.abs().max(), lambda edge: edge["largest"])
