"""Quantizes a model the way ONNX Runtime's own Python tool does: onnxruntime_tool.py MODEL CALIB METHOD OUT.onnx"""
import os
import sys

import numpy
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class Samples(CalibrationDataReader):
    def __init__(self, model, folder):
        self.name = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).get_inputs()[0].name
        self.files = iter(sorted(os.path.join(folder, f) for f in os.listdir(folder)))

    def get_next(self):
        file = next(self.files, None)
        return None if file is None else {self.name: numpy.load(file)}


def main(model, folder, method, out):
    prepared = out + ".prepared.onnx"
    quant_pre_process(model, prepared, skip_symbolic_shape=True)
    quantize_static(prepared, out, Samples(prepared, folder), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    calibrate_method=getattr(CalibrationMethod, method))
    os.remove(prepared)


if __name__ == "__main__":
    main(*sys.argv[1:])
