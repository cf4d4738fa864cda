"""ONNX's own checker and strict shape inference on .onnx files, and onnxruntime's reading of them.

python test/export/onnx/check.py FOLDER/model.onnx …   (packages: test/python/requirements.txt)

Write a model beside its weights (`-o` their folder): the checker takes no file with two names.
"""

import sys

import onnx
import onnxruntime

for path in sys.argv[1:]:
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path, load_external_data=False)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    session = onnxruntime.InferenceSession(path)
    print("ok  ", path, "is whole:", len(model.graph.node), "nodes;", *(each.name for each in session.get_inputs()[:3]), "…")
