"""A group of cases: each is computed in float32 and in float64, with gradients."""

from common import FLOAT32, HERE, generator, maxdiff, really_float64, round_up, write_json, write_tensors

import torch


class Group:
    """Collects the cases of one file pair torch/<name>.json, torch/<name>.safetensors."""

    def __init__(self, name):
        self.name, self.cases, self.tensors = name, [], {}

    def add(self, name, kind, function, inputs, attrs=None, gradients=True):
        """`function` takes a dict like `inputs` and returns a dict of results.

        Its result `y` gets the gradient `gy` from above (loss = sum(y * gy)), its
        result `loss` the gradient 1. Gradients are stored for every float input but
        running statistics, as grad.<name>, also for an input named param.<name>."""
        assert name not in {case["name"] for case in self.cases}, name
        floats = [k for k, v in inputs.items() if gradients and v.dtype == FLOAT32 and not k.startswith("param.running_")]
        seed = generator(len(self.cases) + 7)

        def compute(values, gy):
            values = {k: v.clone().requires_grad_(k in floats) for k, v in values.items()}
            results = function(values)
            if floats:
                loss = (results["y"] * gy).sum() if "y" in results else results["loss"]
                used = torch.autograd.grad(loss, [values[k] for k in floats])
                results |= {f"grad.{k.removeprefix('param.')}": g for k, g in zip(floats, used)}
            return {k: v.detach() for k, v in results.items()}

        y = function(inputs).get("y")
        gy = None if y is None or not floats else torch.randn(y.shape, generator=seed)
        single = compute(inputs, gy)
        doubled = {k: v.double() if v.dtype == FLOAT32 else v.clone() for k, v in inputs.items()}
        doubled_gy = gy if gy is None else gy.double()
        with really_float64():
            exact = compute(doubled, doubled_gy)

        scalars = {k: exact[k].item() for k in exact if exact[k].dim() == 0}
        results = {k: v for k, v in exact.items() if k not in scalars}
        stored = inputs | ({} if gy is None else {"gy": gy}) | results
        for k, v in stored.items():
            assert torch.isfinite(v).all(), (name, k)
            if not v.is_floating_point() and k in single:
                assert torch.equal(v, single[k]), f"{name}: {k} differs between float32 and float64"
        self.tensors |= {f"{name}/{k}": v for k, v in stored.items()}
        grads = {k: v for k, v in exact.items() if k.startswith("grad.")}
        case = {
            "name": name,
            "kind": kind,
            "attrs": attrs or {},
            "tensors": list(stored),
            "scalars": scalars,
            "f32_maxdiff": round_up(maxdiff({k: v for k, v in exact.items() if k not in grads}, single)),
        }
        if grads:
            case["f32_maxdiff_grad"] = round_up(maxdiff(grads, single))
        self.cases.append(case)

    def write(self):
        json_file, tensor_file = HERE / "torch" / f"{self.name}.json", HERE / "torch" / f"{self.name}.safetensors"
        write_tensors(tensor_file, self.tensors)
        write_json(json_file, {
            "file": tensor_file.name,
            "versions": VERSIONS,
            "cases": self.cases,
        })
        worst = max(self.cases, key=lambda case: case["f32_maxdiff"])
        print(f"torch/{self.name}: {len(self.cases)} cases, {tensor_file.stat().st_size} + {json_file.stat().st_size} bytes,"
              f" largest f32_maxdiff {worst['f32_maxdiff']} ({worst['name']})")


def _versions():
    import transformers
    return {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__}


VERSIONS = _versions()
