/** What a modeling file has whatever the model is. */

/** The attention of a layer, between its products; scores of other implementations are chosen by the config. */
export const stackAttention = (
  isCausal: boolean,
): string => `def eager_attention(module, q, k, v, attention_mask, scaling, dropout=0.0, softcap=None, **kwargs):
    """Scores [B, H, T, S], squeezed into ±softcap if there is one."""
    k, v = (part.repeat_interleave(module.num_key_value_groups, 1) for part in (k, v))
    scores = q @ k.transpose(-2, -1) * scaling
    scores = scores if softcap is None else softcap * (scores / softcap).tanh()
    scores = scores if attention_mask is None else scores + attention_mask[..., : k.shape[-2]]
    weights = nn.functional.dropout(scores.softmax(-1, dtype=torch.float32).to(q.dtype), dropout, module.training)
    return (weights @ v).transpose(1, 2).contiguous(), weights


class StackAttention(nn.Module):
    """What an attention of the model does between its products: its layer of the cache, and the scores."""

    def __init__(self, config, layer_idx, groups, scaling, window=None, softcap=None):
        super().__init__()
        self.config, self.layer_idx = config, layer_idx
        self.num_key_value_groups, self.scaling = groups, scaling
        self.sliding_window, self.softcap = window, softcap
        self.is_causal = ${isCausal ? "True" : "False"}

    def forward(self, q, k, v, attention_mask=None, cache=None, **kwargs):
        """q [B, H, T, K], k and v [B, G, T, K]: what is attended to [B, T, H, K], and the weights if they are there."""
        if cache is not None:
            k, v = cache.update(k, v, self.layer_idx)
        if isinstance(attention_mask, dict):
            attention_mask = attention_mask["full_attention" if self.sliding_window is None else "sliding_attention"]
        attend = ALL_ATTENTION_FUNCTIONS.get_interface(self.config._attn_implementation, eager_attention)
        more = dict(kwargs, scaling=self.scaling, sliding_window=self.sliding_window)
        more["dropout"] = self.config.attention_dropout if self.training else 0.0
        if self.softcap is not None:
            more["softcap"] = self.softcap
        return attend(self, q, k, v, attention_mask, **more)`;

/** How parameters begin, by their names in the model's text. */
export const beginText = (prefix: string, init: readonly string[]): string => `PREFIX = "${prefix}."
# How parameters begin.
INIT = {
${init.join("\n")}
}


def beginning(name):
    """The row of INIT for a parameter, by its name with or without that of the stack."""
    for each in (name, name.removeprefix(PREFIX), PREFIX + name):
        for key in (each, re.sub(r"(^|\\.)\\d+(?=\\.)", r"\\1*", each)):
            if key in INIT:
                return INIT[key]
    return None


def begin(tensor, kind, *numbers):
    """Draws a parameter that no checkpoint has."""
    if kind == "constant":
        init.constant_(tensor, *numbers)
    elif kind == "normal":
        init.normal_(tensor, *numbers)
    elif kind == "truncated_normal":
        mean, std = numbers
        init.trunc_normal_(tensor, mean, std, mean - 2 * std, mean + 2 * std)
    elif kind == "uniform":
        init.uniform_(tensor, *numbers)
    elif kind == "scaled_uniform":
        init.uniform_(tensor, -(3**0.5) * numbers[0], 3**0.5 * numbers[0])
    elif kind == "orthogonal":
        init.orthogonal_(tensor, *numbers)
    else:
        whole = torch.zeros(tensor.shape)
        if kind == "eye":
            whole.fill_diagonal_(numbers[0])
        elif kind == "unit":
            whole.view(-1)[numbers[0]] = numbers[1]
        else:
            whole = torch.tensor(numbers[0]).reshape(tensor.shape)
        init.copy_(tensor, whole)`;

/** The methods that config and parameters are checked and begun by. */
export const beginLines: readonly string[] = `    def __init__(self, config, *args, **kwargs):
        differing = {name: getattr(config, name) for name, size in SIZES.items() if getattr(config, name) != size}
        if differing:
            raise ValueError(f"these classes are written for {SIZES}, and the config says {differing}: lmg writes others")
        super().__init__(config, *args, **kwargs)

    @torch.no_grad()
    def _init_weights(self, module):
        names = {id(tensor): name for name, tensor in self.named_parameters()}
        for tensor in module.parameters(recurse=False):
            found = beginning(names.get(id(tensor), ""))
            if found is not None:
                begin(tensor, *found)`.split("\n");
