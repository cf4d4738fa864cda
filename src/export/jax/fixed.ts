/** What an emitted file has whatever the model is: its parameters in files, in memory and on a mesh. */
export const parameterText = `def starred(name):
    return re.sub(r"(^|\\.)\\d+(?=\\.)", r"\\1*", name)


def row_of(table, name):
    """What a table says of a name, or of all that are like it in other layers."""
    return table[name] if name in table else table[starred(name)]


def under(params, label, then=".*."):
    """What is called LABEL.*.NAME, by NAME: the arrays of a repeat, or with another middle those of one layer."""
    start = label + then
    return {name[len(start) :]: part for name, part in params.items() if name.startswith(start)}


def stack(named):
    """{name of a checkpoint: array} as {name: array} with one array for all layers of a repeat, by names with a star."""
    params = {}
    for name in SHAPES:
        label = next((label for label in DEPTH if name.startswith(f"{label}.*.")), None)
        if label is None:
            params[name] = jnp.asarray(named[name])
        else:
            rest = name[len(label) + 3 :]
            layers = [jnp.asarray(named[f"{label}.{at}.{rest}"]) for at in range(DEPTH[label])]
            params[name] = jnp.stack(layers)
    return params


def unstack(params):
    """The same by the names of a checkpoint."""
    named = {}
    for name, array in params.items():
        label = next((label for label in DEPTH if name.startswith(f"{label}.*.")), None)
        if label is None:
            named[name] = array
        else:
            rest = name[len(label) + 3 :]
            named.update({f"{label}.{at}.{rest}": part for at, part in enumerate(array)})
    return named


def load(path):
    """Parameters from a file of safetensors or a folder of them, float32; what the model does not have is left out."""
    files = sorted(glob.glob(os.path.join(path, "*.safetensors"))) if os.path.isdir(path) else [path]
    named = {name: array for file in files for name, array in load_file(file).items()}
    return stack({name: array.astype(jnp.float32) for name, array in named.items()})


def drawn(key, shape, kind, *numbers):
    """The first numbers of a parameter, by jax's own draws."""
    if kind == "constant":
        return jnp.full(shape, numbers[0], jnp.float32)
    if kind == "normal":
        return numbers[0] + numbers[1] * jax.random.normal(key, shape)
    if kind == "truncated_normal":
        return numbers[0] + numbers[1] * jax.random.truncated_normal(key, -2, 2, shape)
    if kind == "uniform":
        return jax.random.uniform(key, shape, minval=numbers[0], maxval=numbers[1])
    if kind == "scaled_uniform":
        return 3**0.5 * numbers[0] * jax.random.uniform(key, shape, minval=-1, maxval=1)
    if kind == "orthogonal":
        matrix = (shape[0], int(np.prod(shape[1:])))
        return numbers[0] * jax.nn.initializers.orthogonal()(key, matrix).reshape(shape)
    if kind == "eye":
        return numbers[0] * jnp.eye(*shape)
    if kind == "unit":
        return jnp.zeros(int(np.prod(shape))).at[numbers[0]].set(numbers[1]).reshape(shape)
    return jnp.asarray(numbers[0], jnp.float32).reshape(shape)


def begin(key):
    """Parameters of a model that was never trained; \`lmg train\` draws others."""
    params = {}
    for at, (name, shape) in enumerate(SHAPES.items()):
        label = next((label for label in DEPTH if name.startswith(f"{label}.*.")), None)
        row, own = row_of(INIT, name), jax.random.fold_in(key, at)
        keys = [own] if label is None else jax.random.split(own, DEPTH[label])
        layers = [drawn(each, shape, *row) for each in keys]
        params[name] = layers[0] if label is None else jnp.stack(layers)
    return params


def save(path, params):
    """Written whole or not at all."""
    save_file({name: jnp.asarray(array) for name, array in unstack(params).items()}, path + ".part", metadata={"format": "pt"})
    os.replace(path + ".part", path)


def mesh_of(data, tensor, devices=None):
    """A mesh of data x tensor devices, on which XLA finds the places of what the model does not tell it."""
    kinds = (jax.sharding.AxisType.Auto,) * 2
    return jax.make_mesh((data, tensor), ("data", "tensor"), kinds, devices=devices)


def shardings(mesh, params):
    """Where each parameter lies on a mesh of the axes data and tensor; an axis that does not divide stays whole."""

    def of(name, shape):
        axes = row_of(AXES, name)
        sizes = shape[len(shape) - len(axes) :]
        spread = [axis if axis and size % mesh.shape[axis] == 0 else None for axis, size in zip(axes, sizes)]
        return NamedSharding(mesh, P(*[None] * (len(shape) - len(axes)), *spread))

    return {name: of(name, array.shape) for name, array in params.items()}`;

/** The step of a training. */
export const stepText = `def rate(step, total):
    """The learning rate of an update, counted from 0, in a run of that many."""
    lr, warmup, floor = TRAIN["lr"], TRAIN.get("schedule_warmup", 0), TRAIN.get("schedule_floor", 0)

    def between(start, end):
        return jnp.clip((step - start) / jnp.maximum(end - start, 1), 0, 1)

    late = {
        "linear": lambda: 1 - (1 - floor) * between(warmup, total),
        "cosine": lambda: floor + (1 - floor) * (1 + jnp.cos(jnp.pi * between(warmup, total))) / 2,
        "wsd": lambda: 1 - (1 - floor) * between(max(warmup, (1 - TRAIN.get("schedule_decay", 0)) * total), total),
    }
    after = late.get(TRAIN["schedule"], lambda: 1.0)()
    return lr * jnp.where(step < warmup, (step + 1) / (warmup + 1), after)


def clip(most):
    """Gradients whose norm, all together, is at most that."""

    def update(gradients, state, params=None):
        factor = jnp.minimum(1, most / (optax.global_norm(gradients) + 1e-6))
        return jax.tree.map(lambda each: each * factor, gradients), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def optimizer(total):
    """The optimizer of TRAIN, with the schedule of a run of that many updates."""

    def decayed(params):
        return {name: name in DECAYED or starred(name) in DECAYED for name in params}

    kind, decay, rates = TRAIN["optimizer"], TRAIN.get("decay", 0), functools.partial(rate, total=total)
    first = [clip(TRAIN["clip"])] if TRAIN["clip"] else []
    if kind == "adamw":
        b1, b2 = TRAIN["betas"]
        return optax.chain(*first, optax.adamw(rates, b1, b2, TRAIN["eps"], weight_decay=decay, mask=decayed))
    if kind == "lion":
        b1, b2 = TRAIN["betas"]
        return optax.chain(*first, optax.lion(rates, b1, b2, weight_decay=decay, mask=decayed))
    first.append(optax.add_decayed_weights(decay, decayed))
    if kind == "adam":
        b1, b2 = TRAIN["betas"]
        return optax.chain(*first, optax.adam(rates, b1, b2, TRAIN["eps"]))
    return optax.chain(*first, optax.sgd(rates, TRAIN["momentum"] or None, TRAIN["nesterov"]))


def make_step(optimizer):
    """A step of a training, compiled: (params, state, a tuple of inputs, of targets, key) to params, state and what it measured."""

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(params, state, inputs, targets, key=None):
        value, gradients = jax.value_and_grad(loss)(params, *inputs, *targets, key=key)
        updates, state = optimizer.update(gradients, state, params)
        measured = {"loss": value, "gradient_norm": optax.global_norm(gradients)}
        return optax.apply_updates(params, updates), state, measured

    return step`;
