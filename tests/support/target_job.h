// Settings and nets that files for devices are tried with.
#ifndef QCONVERT_TESTS_SUPPORT_TARGET_JOB_H_
#define QCONVERT_TESTS_SUPPORT_TARGET_JOB_H_

#include <string>
#include <vector>

#include "support/quantize_model.h"

namespace qconvert {

inline QuantConfig ConfigOf(TargetDevice device) {
  QuantConfig config;
  config.target_device = device;
  const bool power = device == TargetDevice::kDpu;
  for (const TensorType type : kTensorTypes) {
    TensorSettings& of = config.tensors[type];
    of = {.method = CalibrationMethod::kMaxMin,
          .scale_type = power ? ScaleType::kPowerOfTwo : ScaleType::kFloat,
          .symmetry = true,
          .is_signed = true,
          .statistic = BatchStatistic::kAll};
  }
  config.tensors.weights.per_channel = !power;
  if (!power) config.tensors.bias.bit_width = 32;
  return config;
}

inline const Node* Producer(const Graph& graph, const std::string& value) {
  for (const Node& node : graph.nodes)
    for (const std::string& output : node.outputs)
      if (output == value) return &node;
  return nullptr;
}

inline std::string OperatorBefore(const Graph& graph, const std::string& value) {
  const Node* producer = Producer(graph, value);
  return producer == nullptr ? "" : producer->op_type;
}

inline std::vector<const Node*> NodesOf(const Graph& graph, const std::string& type) {
  std::vector<const Node*> out;
  for (const Node& node : graph.nodes)
    if (node.op_type == type) out.push_back(&node);
  return out;
}

//   x ─ Conv ─ Relu ─┬─ Conv ─ Relu ─ Conv ─ Add ─ Relu ─ MaxPool ─ GlobalAveragePool ─ Flatten ─
//   Gemm
//                    └──────────────────────┘
inline GraphBuilder ResidualNet() {
  GraphBuilder b;
  b.Input("x", {"1", "16", "8", "8"}).Output("y");
  b.Random("w", {16, 16, 3, 3}, 0.2F).Random("b", {16}).Random("g", {16, 32}).Random("h", {32});
  const auto conv = [&](const std::string& from, const std::string& to) {
    b.Add("Conv", {from, "w", "b"}, {to}).Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  };
  conv("x", "c1");
  b.Add("Relu", {"c1"}, {"r1"});
  conv("r1", "c2");
  b.Add("Relu", {"c2"}, {"r2"});
  conv("r2", "c3");
  b.Add("Add", {"c3", "r1"}, {"s"});
  b.Add("Relu", {"s"}, {"r3"});
  b.Add("MaxPool", {"r3"}, {"p"}).Set("kernel_shape", std::vector<int64_t>{2, 2});
  b.Add("GlobalAveragePool", {"p"}, {"a"});
  b.Add("Flatten", {"a"}, {"f"});
  b.Add("Gemm", {"f", "g", "h"}, {"y"});
  return b;
}

inline std::vector<std::vector<Tensor>> SamplesOf(const std::vector<int64_t>& dims) {
  return {{RandomTensor("x", dims, 1)}, {RandomTensor("x", dims, 2)}};
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_TARGET_JOB_H_
