"""The model behind MLServer: a custom runtime over onnxruntime, as MLServer's documents show it."""
import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.types import InferenceResponse, ResponseOutput


class Onnx(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri, options)
        return True

    async def predict(self, payload):
        given = payload.inputs[0]
        x = np.asarray(given.data.root, dtype=np.float32).reshape(given.shape)
        (y,) = self.session.run(None, {self.session.get_inputs()[0].name: x})[:1]
        output = ResponseOutput(
            name="output", shape=list(y.shape), datatype="FP32", data=y.ravel().tolist()
        )
        return InferenceResponse(model_name=self.name, outputs=[output])
