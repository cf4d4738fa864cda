/** A Python function or class that an emitted file has if it needs it. */
interface Helper {
  readonly text: string;
  /** Those that it calls itself. */
  readonly needs?: readonly HelperName[];
}

const frequencies = `def frequencies(width, theta):
    """What each pair of a head turns by, in radians a position: theta^(-2i / width)."""
    return theta ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)`;

const frequenciesOfLength = `def frequencies_of_length(width, theta, factor, original, length):
    """The same with a theta that grows with the text (NTK-aware)."""
    longest = max(length, original)
    return frequencies(width, theta * (factor * longest / original - (factor - 1)) ** (width / (width - 2)))`;

const rotary = `def rotary(positions, frequencies, scale=1.0):
    """Cosine and sine of each position [.., T] times each frequency: [.., T, K / 2] both. Angles are float64."""
    frequencies = torch.as_tensor(frequencies, dtype=torch.float64, device=positions.device)
    angle = positions.to(torch.float64).unsqueeze(-1) * frequencies
    return (scale * angle.cos()).float(), (scale * angle.sin()).float()`;

const turn = `def turn(x, rope):
    """Rotary positions of x [B, H, T, K]: the pairs (i, i + K / 2) turn."""
    cos, sin = (part.to(x.dtype) for part in rope)
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)`;

const turnPairs = `def turn_pairs(x, rope):
    """Rotary positions of x [B, H, T, K]: the pairs (2i, 2i + 1) turn."""
    cos, sin = (part.to(x.dtype) for part in rope)
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)`;

const part = (name: string): string => `def ${name}_part(x, rope):
    """The same of the first channels of each head; the others stay."""
    width = 2 * rope[0].shape[-1]
    return torch.cat((${name}(x[..., :width], rope), x[..., width:]), -1)`;

const seen = `def seen(queries, keys, device, causal, window=None):
    """Which keys each query sees, bool [T, S]: query i stands at key i + S - T."""
    distance = torch.arange(keys - queries, keys, device=device)[:, None] - torch.arange(keys, device=device)
    visible = distance >= 0 if causal else torch.ones_like(distance, dtype=torch.bool)
    return visible if window is None else visible & (distance.abs() < window)`;

const hide = `def hide(bias, seen):
    """What is added to scores, minus infinity where a key is not seen."""
    return torch.where(seen, bias, -math.inf)`;

const alibi = `def alibi(slopes, queries, keys, device):
    """Minus slope times distance: [H, T, S] (Press et al. 2022)."""
    distance = torch.arange(keys - queries, keys, device=device)[:, None] - torch.arange(keys, device=device)
    return -torch.tensor(slopes, device=device)[:, None, None] * distance.abs()`;

const attend = `def attend(q, k, v, scale, softcap, bias=None, seen=None):
    """Attention whose scores are squeezed into ±softcap; a row that sees nothing is zero."""
    k, v = (part.repeat_interleave(q.shape[1] // k.shape[1], 1) for part in (k, v))
    scores = softcap * (q @ k.transpose(-2, -1) * (scale / softcap)).tanh()
    scores = scores if bias is None else scores + bias
    if seen is None:
        return scores.softmax(-1) @ v
    return scores.masked_fill(~seen, -1e30).softmax(-1).masked_fill(~seen, 0) @ v`;

const routedLinear = `def routed_linear(x, weight, chosen):
    """x [.., C, K] (or [.., 1, K], which all choices of a place read) times the matrix [N, K] that each row chose, [.., C]."""
    rows = x.expand(*chosen.shape, x.shape[-1]).reshape(-1, x.shape[-1])
    order = chosen.flatten().argsort(stable=True)
    counts = chosen.flatten().bincount(minlength=weight.shape[0]).tolist()
    parts = [F.linear(part, matrix) for part, matrix in zip(rows[order].split(counts), weight)]
    return torch.cat(parts)[order.argsort()].unflatten(0, chosen.shape)`;

const linearAttend = `def linear_attend(q, k, v, decay=None, beta=None, state=None):
    """A state S [K, V] a head: S falls by e^decay and takes k vᵀ, or beta k (v - Sᵀ k)ᵀ; out = Sᵀ q, position by position."""
    q, k = (part.repeat_interleave(v.shape[1] // part.shape[1], 1) for part in (q, k))
    state = q.new_zeros(*v.shape[:2], k.shape[-1], v.shape[-1]) if state is None else state
    outs = []
    for t in range(v.shape[2]):
        if decay is not None:
            fall = decay[:, :, t].exp()
            state = state * (fall.unsqueeze(-1) if decay.dim() == 4 else fall[..., None, None])
        new = v[:, :, t]
        if beta is not None:
            new = beta[:, :, t, None] * (new - (k[:, :, t, None] @ state).squeeze(-2))
        state = state + k[:, :, t, :, None] * new.unsqueeze(-2)
        outs.append((q[:, :, t, None] @ state).squeeze(-2))
    return torch.stack(outs, 2), state`;

const relativeBucket = `def relative_bucket(queries, keys, buckets, far, causal, device):
    """T5's bucket of the distance from each query to each key [T, S]: near ones have one each, far ones share."""
    distance = torch.arange(keys, device=device) - torch.arange(queries, device=device)[:, None]
    side = buckets if causal else buckets // 2
    first = 0 if causal else (distance > 0) * side
    steps = (-distance).clamp(min=0) if causal else distance.abs()
    near = side // 2
    share = (steps.clamp(min=1).float() / near).log() / math.log(far / near) * (side - near)
    return first + torch.where(steps < near, steps, (near + share.long()).clamp(max=side - 1))`;

const linearInOut = `class LinearInOut(nn.Module):
    """x W + b with W stored [in, out], as GPT-2's checkpoints have it."""

    def __init__(self, inputs, outputs, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None

    def forward(self, x):
        return F.linear(x, self.weight.t(), self.bias)`;

const scores = `def scores(x, table, bias=None):
    """The product with each row of a table of tokens; train.py puts another in its place where processes share the rows out."""
    return F.linear(x, table, bias)`;

const rmsNormFromOne = `class RMSNormFromOne(nn.Module):
    """x / sqrt(mean(x²) + eps) · (1 + weight), as Gemma has it."""

    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, 1 + self.weight, self.eps)`;

const batchNorm = `class BatchNorm(nn.Module):
    """Each channel by the statistics of the batch while the model trains, and by running ones afterwards."""

    def __init__(self, channels, eps, momentum, axis=1, unbiased=True, weight=True, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels)) if weight else None
        self.bias = nn.Parameter(torch.empty(channels)) if bias else None
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.eps, self.momentum, self.axis, self.unbiased = eps, momentum, axis, unbiased

    def forward(self, x):
        x = x.movedim(self.axis, 1)
        mean, variance = self.running_mean, self.running_var
        if self.training and not self.unbiased:
            axes = [axis for axis in range(x.dim()) if axis != 1]
            with torch.no_grad():
                mean.lerp_(x.mean(axes), self.momentum)
                variance.lerp_(x.var(axes, correction=0), self.momentum)
            mean = variance = None
        y = F.batch_norm(x, mean, variance, self.weight, self.bias, self.training, self.momentum, self.eps)
        return y.movedim(1, self.axis)`;

const helpers = {
  frequencies: { text: frequencies },
  frequencies_of_length: { text: frequenciesOfLength, needs: ["frequencies"] },
  rotary: { text: rotary },
  turn: { text: turn },
  turn_part: { text: part("turn"), needs: ["turn"] },
  turn_pairs: { text: turnPairs },
  turn_pairs_part: { text: part("turn_pairs"), needs: ["turn_pairs"] },
  seen: { text: seen },
  hide: { text: hide },
  alibi: { text: alibi },
  attend: { text: attend },
  routed_linear: { text: routedLinear },
  linear_attend: { text: linearAttend },
  relative_bucket: { text: relativeBucket },
  scores: { text: scores },
  LinearInOut: { text: linearInOut },
  RMSNormFromOne: { text: rmsNormFromOne },
  BatchNorm: { text: batchNorm },
} as const satisfies Readonly<Record<string, { readonly text: string; readonly needs?: readonly string[] }>>;

export type HelperName = keyof typeof helpers;

export const helperNames: ReadonlySet<string> = new Set(Object.keys(helpers));

/** The texts of those that are used and of what they need, in the order of this file. */
export function helperTexts(used: ReadonlySet<HelperName>): readonly string[] {
  const all = new Set<HelperName>();
  const add = (name: HelperName): void => {
    all.add(name);
    for (const other of (helpers[name] as Helper).needs ?? []) add(other);
  };
  used.forEach(add);
  return Object.entries(helpers).flatMap(([name, { text }]) => (all.has(name as HelperName) ? [text] : []));
}
