"""The numbers and kinds of the fields of ONNX's messages, of which src/checkpoint/onnx/schema.ts writes some."""

import json
from pathlib import Path

import onnx
from google.protobuf.descriptor import FieldDescriptor as F
from onnx import onnx_ml_pb2

KINDS = {
    F.TYPE_INT32: "int",
    F.TYPE_INT64: "int",
    F.TYPE_ENUM: "int",
    F.TYPE_FLOAT: "float",
    F.TYPE_DOUBLE: "double",
    F.TYPE_STRING: "text",
    F.TYPE_BYTES: "bytes",
}


def fields(message):
    return {
        field.name: [field.number, KINDS.get(field.type, field.message_type and field.message_type.full_name)]
        + (["many"] if field.is_repeated else [])
        for field in message.fields
    }


def walk(messages):
    for message in messages:
        yield message.full_name.removeprefix("onnx."), fields(message)
        yield from walk(message.nested_types)


file = onnx_ml_pb2.DESCRIPTOR
enums = {
    "AttributeType": dict(onnx.AttributeProto.AttributeType.items()),
    "DataType": dict(onnx.TensorProto.DataType.items()),
    "DataLocation": dict(onnx.TensorProto.DataLocation.items()),
}
found = {"onnx": onnx.__version__, "messages": dict(walk(file.message_types_by_name.values())), "enums": enums}
Path(__file__).with_name("onnx_schema.json").write_text(json.dumps(found, indent=1) + "\n")
