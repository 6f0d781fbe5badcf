#include "support/graph_builder.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/runtime/ort_session.h"
#include "support/temp_dir.h"

namespace qconvert {

ValueType TypeOf(DataType element, const std::vector<std::string>& dims) {
  ValueType type{element, std::vector<Dim>{}, {}};
  for (const std::string& dim : dims) {
    Dim& out = type.shape->emplace_back();
    if (dim.find_first_not_of("0123456789") == std::string::npos) {
      out.value = std::stoll(dim);
    } else if (dim != "?") {
      out.symbol = dim;
    }
  }
  return type;
}

ValueType FloatType(const std::vector<std::string>& dims) { return TypeOf(DataType::kFloat, dims); }

GraphBuilder::GraphBuilder(int64_t opset) {
  model.ir_version = 8;
  model.opsets[""] = opset;
  model.graph.name = "test";
}

GraphBuilder& GraphBuilder::Input(const std::string& name, const std::vector<std::string>& dims,
                                  DataType type) {
  model.graph.inputs.push_back({name, TypeOf(type, dims), {}, {}});
  return *this;
}

GraphBuilder& GraphBuilder::Output(const std::string& name, DataType type) {
  model.graph.outputs.push_back({name, {type, {}, {}}, {}, {}});
  return *this;
}

GraphBuilder& GraphBuilder::Floats(const std::string& name, std::vector<int64_t> dims,
                                   std::vector<float> values) {
  model.graph.initializers[name] = MakeFloatTensor(name, std::move(dims), values);
  return *this;
}

GraphBuilder& GraphBuilder::Ints(const std::string& name, std::vector<int64_t> dims,
                                 std::vector<int64_t> values) {
  model.graph.initializers[name] = MakeInt64Tensor(name, std::move(dims), values);
  return *this;
}

GraphBuilder& GraphBuilder::Random(const std::string& name, std::vector<int64_t> dims,
                                   float spread) {
  uint32_t seed = 1;
  for (const char c : name) seed = seed * 31 + static_cast<unsigned char>(c);
  model.graph.initializers[name] = RandomTensor(name, std::move(dims), seed, spread);
  return *this;
}

Node& GraphBuilder::Add(const std::string& op_type, std::vector<std::string> inputs,
                        std::vector<std::string> outputs) {
  model.graph.nodes.push_back(MakeNode(op_type, std::move(inputs), std::move(outputs)));
  return model.graph.nodes.back();
}

std::vector<float> RandomFloats(size_t count, uint32_t seed, float spread) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  std::vector<float> values(count);
  for (float& v : values) v = normal(engine);
  return values;
}

Tensor RandomTensor(const std::string& name, std::vector<int64_t> dims, uint32_t seed,
                    float spread) {
  size_t count = 1;
  for (const int64_t dim : dims) count *= static_cast<size_t>(dim);
  return MakeFloatTensor(name, std::move(dims), RandomFloats(count, seed, spread));
}

std::vector<Tensor> RunModel(const Model& model, const std::vector<Tensor>& inputs, bool optimize) {
  const auto session = OpenOrtSession(
      SerializeModel(model), "test model",
      {.optimization = optimize ? OptimizationLevel::kAll : OptimizationLevel::kNone});
  return session->Run(inputs, nullptr);
}

std::map<std::string, int> OptimizedOperators(const Model& model) {
  const TempDir folder;
  const auto path = folder / "optimized.onnx";
  OpenOrtSession(SerializeModel(model), "test model", {.optimized_model_path = path});
  std::map<std::string, int> counts;
  const std::function<void(const Graph&)> walk = [&](const Graph& graph) {
    for (const Node& node : graph.nodes) {
      ++counts[node.op_type];
      for (const Graph* subgraph : SubgraphsOf(node)) walk(*subgraph);
    }
  };
  walk(LoadOnnx(path).model.graph);
  return counts;
}

float MaxDifference(const Tensor& a, const Tensor& b) {
  if (a.dims != b.dims) return INFINITY;
  const std::vector<float> x = ToFloats(a);
  const std::vector<float> y = ToFloats(b);
  float largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::fabs(x[i] - y[i]));
  return largest;
}

}  // namespace qconvert
