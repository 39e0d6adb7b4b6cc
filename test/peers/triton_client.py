"""Asks a running service everything that Triton's own client can ask of it; prints the answers as one JSON object."""

import json
import sys

import ml_dtypes
import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

client = triton.InferenceServerClient(sys.argv[1].removeprefix("http://"), concurrency=2)
answers = {}

LOGITS = np.array([[2, 1, -0.5], [0.25, 2.5, -3]])
TARGETS = np.array([0, 1])
DATATYPES = {
    "float16": "FP16", "bfloat16": "BF16", "float32": "FP32", "float64": "FP64",
    "uint8": "UINT8", "uint32": "UINT32", "int32": "INT32", "int64": "INT64",
}


def tensor(name, array, binary=True):
    array = np.ascontiguousarray(array)
    made = triton.InferInput(name, array.shape, DATATYPES[str(array.dtype)])
    return made.set_data_from_numpy(array, binary_data=binary)


def batch(logits="float32", targets="int64", binary=True):
    return [
        tensor("targets", TARGETS.astype(targets), binary),
        tensor("logits", LOGITS.astype(logits), binary),
    ]


def plain(result, *names):
    names = names or [output["name"] for output in result.get_response()["outputs"]]
    arrays = {name: result.as_numpy(name) for name in names}
    return {
        "id": result.get_response().get("id"),
        "shapes": {name: array.shape for name, array in arrays.items()},
        "values": {name: array.astype(float).ravel().tolist() for name, array in arrays.items()},
    }


def error(action):
    try:
        action()
    except InferenceServerException as refused:
        return {"status": refused.status(), "message": refused.message()}
    return None


answers["live"] = client.is_server_live()
answers["ready"] = client.is_server_ready()
answers["model_ready"] = client.is_model_ready("cross_entropy")
answers["version_ready"] = client.is_model_ready("cross_entropy", "1")
answers["other_ready"] = client.is_model_ready("nothing")
answers["server"] = client.get_server_metadata()
answers["model"] = client.get_model_metadata("cross_entropy")
answers["version"] = client.get_model_metadata("cross_entropy", "1")
answers["index"] = client.get_model_repository_index()

options = {"parameters": {"label_smoothing": 0.1}}
answers["binary"] = plain(client.infer("cross_entropy", batch(), request_id="mine", **options))
answers["json"] = plain(
    client.infer(
        "cross_entropy",
        batch(binary=False),
        outputs=[triton.InferRequestedOutput(name, binary_data=False) for name in ("loss", "gradients")],
        **options,
    )
)
answers["mixed"] = plain(
    client.infer(
        "cross_entropy",
        [tensor("targets", TARGETS, False), tensor("logits", LOGITS.astype("float32"))],
        outputs=[
            triton.InferRequestedOutput("gradients", binary_data=False),
            triton.InferRequestedOutput("loss", binary_data=True),
            triton.InferRequestedOutput("predictions", binary_data=True),
        ],
        model_version="1",
        **options,
    )
)
answers["datatypes"] = {
    f"{np.dtype(logits)} {targets}": plain(client.infer("cross_entropy", batch(logits, targets), **options), "loss")
    for logits in ("float16", ml_dtypes.bfloat16, "float32", "float64")
    for targets in ("uint8", "uint32", "int32", "int64")
}
answers["float64"] = plain(
    client.infer("cross_entropy", batch("float64"), parameters={"label_smoothing": 0.1, "dtype": "float64"})
)
# One byte of uint8 targets puts the logits behind them at an odd offset.
one = [tensor("targets", TARGETS[:1].astype("uint8")), tensor("logits", LOGITS[:1].astype("float32"))]
answers["misaligned"] = plain(client.infer("cross_entropy", one, **options), "loss")
answers["compressed"] = {
    algorithm: plain(
        client.infer(
            "cross_entropy",
            batch(),
            request_compression_algorithm=algorithm,
            response_compression_algorithm=algorithm,
            **options,
        )
    )
    for algorithm in ("gzip", "deflate")
}
answers["async"] = plain(client.async_infer("cross_entropy", batch(), **options).get_result())
answers["scheduling"] = plain(
    client.infer("cross_entropy", batch(), priority=1, timeout=1_000_000, sequence_id=5, sequence_start=True, **options)
)
answers["mixup"] = plain(
    client.infer("cross_entropy", [*batch(), tensor("mixup.lam", np.array([0.25, 0.75], "float32"))]), "loss"
)
answers["nan"] = [str(value) for value in client.infer(
    "cross_entropy",
    [tensor("targets", np.array([-100, -100])), tensor("logits", LOGITS.astype("float32"))],
    outputs=[triton.InferRequestedOutput("loss", binary_data=False)],
).as_numpy("loss")]
answers["errors"] = {
    "model": error(lambda: client.infer("nothing", batch())),
    "version": error(lambda: client.infer("cross_entropy", batch(), model_version="2")),
    "option": error(lambda: client.infer("cross_entropy", batch(), parameters={"label_smoothing": 2})),
    "logits": error(
        lambda: client.infer(
            "cross_entropy", [tensor("targets", TARGETS), tensor("logits", np.full((2, 3), np.nan, "float32"))]
        )
    ),
    "metadata": error(lambda: client.get_model_metadata("nothing")),
}
print(json.dumps(answers))
