/** Python functions that an emitted file has if it needs them, in the order in which they need each other. */
const helpers = {
  stream: `def stream(x):
    """Norms and joins stand where rows are spread over the data axis and each device has their whole width."""
    mesh = jax.sharding.get_abstract_mesh()
    return x if mesh.empty else lax.with_sharding_constraint(x, P("data", *[None] * (x.ndim - 1)))`,
  rotary: `def rotary(positions, frequencies, scale=1.0):
    """Cosine and sine of each position [T] times each frequency: [T, K / 2] both. Positions are known: angles are float64."""
    angle = np.asarray(positions, np.float64)[..., None] * np.asarray(frequencies, np.float64)
    return jnp.asarray(scale * np.cos(angle), jnp.float32), jnp.asarray(scale * np.sin(angle), jnp.float32)`,
  rotary_at: `def rotary_at(positions, frequencies, scale=1.0):
    """The same for positions that are given, in float32."""
    angle = positions.astype(jnp.float32)[..., None] * jnp.asarray(frequencies, jnp.float32)
    return scale * jnp.cos(angle), scale * jnp.sin(angle)`,
  frequencies: `def frequencies(width, theta):
    """What each pair of a head turns by, in radians a position: theta^(-2i / width)."""
    return theta ** (-np.arange(0, width, 2, dtype=np.float64) / width)`,
  turn: `def turn(x, rope):
    """Rotary positions of x [B, H, T, K]: the pairs (i, i + K / 2) of the first channels turn, as many as the rope has."""
    cos, sin = rope
    width = 2 * cos.shape[-1]
    a, b = jnp.split(x[..., :width], 2, -1)
    return jnp.concatenate((a * cos - b * sin, b * cos + a * sin, x[..., width:]), -1)`,
  turn_pairs: `def turn_pairs(x, rope):
    """The same of the pairs (2i, 2i + 1)."""
    cos, sin = rope
    width = 2 * cos.shape[-1]
    a, b = x[..., 0:width:2], x[..., 1:width:2]
    turned = jnp.stack((a * cos - b * sin, b * cos + a * sin), -1).reshape(*x.shape[:-1], width)
    return jnp.concatenate((turned, x[..., width:]), -1)`,
  alibi: `def alibi(slopes, queries, keys):
    """Minus slope times distance: [H, T, S] (Press et al. 2022)."""
    distance = jnp.arange(keys - queries, keys)[:, None] - jnp.arange(keys)
    return -jnp.asarray(slopes, jnp.float32)[:, None, None] * jnp.abs(distance)`,
  attend: `def attend(q, k, v, scale, causal=False, window=None, softcap=0.0, bias=None, mask=None):
    """q [B, H, T, K], k and v [B, G, S, ..]; query i stands at key i + S - T. A row that sees nothing is zero."""
    k, v = (jnp.repeat(part, q.shape[1] // part.shape[1], 1) for part in (k, v))
    scores = q @ jnp.swapaxes(k, -1, -2) * scale
    scores = scores if softcap == 0 else softcap * jnp.tanh(scores / softcap)
    scores = scores if bias is None else scores + bias
    queries, keys = scores.shape[-2:]
    distance = jnp.arange(keys - queries, keys)[:, None] - jnp.arange(keys)
    seen = jnp.ones((queries, keys), bool) if mask is None else mask
    seen = seen & (distance >= 0) if causal else seen
    seen = seen if window is None else seen & (jnp.abs(distance) < window)
    weights = jax.nn.softmax(jnp.where(seen, scores, -1e30), -1)
    return jnp.where(seen, weights, 0) @ v`,
  layer_norm: `def layer_norm(x, weight, bias, eps):
    """Rows of mean 0 and variance 1, then weight and bias."""
    x = x - jnp.mean(x, -1, keepdims=True)
    x = x * lax.rsqrt(jnp.mean(jnp.square(x), -1, keepdims=True) + eps)
    x = x if weight is None else x * weight
    return x if bias is None else x + bias`,
  rms_norm: `def rms_norm(x, weight, bias, eps):
    """Rows over the root of their mean square, then weight and bias."""
    x = x * lax.rsqrt(jnp.mean(jnp.square(x), -1, keepdims=True) + eps)
    x = x if weight is None else x * weight
    return x if bias is None else x + bias`,
  batch_norm: `def batch_norm(x, mean, variance, weight, bias, eps, axis):
    """Each channel by running statistics."""
    shape = [-1 if at == axis else 1 for at in range(x.ndim)]
    mean, variance, weight, bias = (None if part is None else part.reshape(shape) for part in (mean, variance, weight, bias))
    x = (x - mean) * lax.rsqrt(variance + eps)
    x = x if weight is None else x * weight
    return x if bias is None else x + bias`,
  l2_norm: `def l2_norm(x, eps):
    """Rows of length 1; shorter ones than eps are divided by that."""
    return x / jnp.maximum(jnp.sqrt(jnp.sum(jnp.square(x), -1, keepdims=True)), eps)`,
  drop: `def drop(x, rate, key, draw):
    """Zeroes a share of the elements while a key is given, and makes the others larger by as much."""
    if key is None or rate == 0:
        return x
    kept = jax.random.bernoulli(jax.random.fold_in(key, draw), 1 - rate, x.shape)
    return jnp.where(kept, x / (1 - rate), 0)`,
  routed_linear: `def routed_linear(x, weight, chosen):
    """x [.., C, K] (or [.., 1, K], which all choices of a place read) times the matrix [N, K] that each row chose, [.., C]."""
    return jnp.einsum("...k,...nk->...n", jnp.broadcast_to(x, (*chosen.shape, x.shape[-1])), weight[chosen])`,
  linear_attend: `def linear_attend(q, k, v, decay=None, beta=None, state=None):
    """A state S [K, V] a head: S falls by e^decay and takes k vᵀ, or beta k (v - Sᵀ k)ᵀ; out = Sᵀ q. Position after position."""
    q, k = (jnp.repeat(part, v.shape[1] // part.shape[1], 1) for part in (q, k))
    state = jnp.zeros((*v.shape[:2], k.shape[-1], v.shape[-1]), q.dtype) if state is None else state

    def move(state, each):
        q, k, v, decay, beta = each
        if decay is not None:
            fall = jnp.exp(decay)
            state = state * (fall[..., None] if decay.ndim == 3 else fall[..., None, None])
        if beta is not None:
            v = beta[..., None] * (v - jnp.einsum("bhk,bhkv->bhv", k, state))
        state = state + k[..., None] * v[..., None, :]
        return state, jnp.einsum("bhk,bhkv->bhv", q, state)

    each = tuple(None if part is None else jnp.moveaxis(part, 2, 0) for part in (q, k, v, decay, beta))
    state, out = lax.scan(move, state, each)
    return jnp.moveaxis(out, 0, 2), state`,
  relative_bucket: `def relative_bucket(queries, keys, buckets, far, causal):
    """T5's bucket of the distance from each query to each key [T, S]: near ones have one each, far ones share."""
    distance = jnp.arange(keys) - jnp.arange(queries)[:, None]
    side = buckets if causal else buckets // 2
    first = 0 if causal else (distance > 0) * side
    steps = jnp.maximum(-distance, 0) if causal else jnp.abs(distance)
    near = side // 2
    share = jnp.log(jnp.maximum(steps, 1).astype(jnp.float32) / near) / math.log(far / near) * (side - near)
    return first + jnp.where(steps < near, steps, jnp.minimum(near + share.astype(jnp.int32), side - 1))`,
  spread: `def spread(values, indices, size):
    """Values [.., k] at their places among \`size\` zeros."""
    return jnp.sum(jax.nn.one_hot(indices, size, dtype=values.dtype) * values[..., None], -2)`,
  max_pool: `def max_pool(x, kernel, stride, padding):
    """The largest element of each window of x [B, C, H, W]."""
    around = ((0, 0), (0, 0), *((size, size) for size in padding))
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, *kernel), (1, 1, *stride), around)`,
  cross_entropy: `def cross_entropy(logits, targets, smoothing=0.0, ignore=None):
    """The mean over the rows that count of -log softmax at the target, smoothed by a share over all classes."""
    shares = jax.nn.log_softmax(logits, -1)
    counted = jnp.ones(targets.shape, bool) if ignore is None else targets != ignore
    at = jnp.take_along_axis(shares, jnp.where(counted, targets, 0)[..., None], -1)[..., 0]
    loss = -(1 - smoothing) * at - smoothing * jnp.mean(shares, -1)
    return jnp.sum(jnp.where(counted, loss, 0)) / jnp.sum(counted)`,
  accuracy: `def accuracy(logits, targets, ignore=None):
    """The share of rows that count whose largest logit is the target's."""
    counted = jnp.ones(targets.shape, bool) if ignore is None else targets != ignore
    return jnp.sum((jnp.argmax(logits, -1) == targets) & counted) / jnp.sum(counted)`,
} as const satisfies Readonly<Record<string, string>>;

export type HelperName = keyof typeof helpers;

export const jaxHelperNames: ReadonlySet<string> = new Set(Object.keys(helpers));

/** The texts of those that are used. */
export const helperTexts = (used: ReadonlySet<HelperName>): readonly string[] =>
  Object.entries(helpers).flatMap(([name, text]) => (used.has(name as HelperName) ? [text] : []));
