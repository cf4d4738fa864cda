"""The bytes of test/study/tensorboard.test.ts: one event by TensorBoard's own protos and RecordWriter (tensorboard 2.21.0).

With a folder that `lmg export --to tensorboard` wrote, what TensorBoard itself reads of it: runs, tags, values.

    python test/golden/event_file.py [FOLDER]
"""

import glob
import io
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

value = summary_pb2.Summary.Value(tag="loss", simple_value=0.5)
event = event_pb2.Event(wall_time=1.5, step=300, summary=summary_pb2.Summary(value=[value]))
written = io.BytesIO()
RecordWriter(written).write(event.SerializeToString())
print(written.getvalue().hex())

for folder in sorted(glob.glob(f"{sys.argv[1]}/*")) if len(sys.argv) > 1 else []:
    read = EventAccumulator(folder, size_guidance={"scalars": 0})
    read.Reload()
    tags = read.Tags()["scalars"]
    print(folder, len(tags), "tags,", sum(len(read.Scalars(tag)) for tag in tags), "values")
