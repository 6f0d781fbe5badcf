// Small models in code, and running them.
#ifndef QCONVERT_TESTS_SUPPORT_GRAPH_BUILDER_H_
#define QCONVERT_TESTS_SUPPORT_GRAPH_BUILDER_H_

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

// Shape text: numbers and symbols, for example {"N", "3", "8", "8"}; "?" is unknown.
ValueType FloatType(const std::vector<std::string>& dims);
ValueType TypeOf(DataType element, const std::vector<std::string>& dims);

class GraphBuilder {
 public:
  explicit GraphBuilder(int64_t opset = 13);

  GraphBuilder& Input(const std::string& name, const std::vector<std::string>& dims,
                      DataType type = DataType::kFloat);
  GraphBuilder& Output(const std::string& name, DataType type = DataType::kFloat);
  GraphBuilder& Floats(const std::string& name, std::vector<int64_t> dims,
                       std::vector<float> values);
  GraphBuilder& Ints(const std::string& name, std::vector<int64_t> dims,
                     std::vector<int64_t> values);
  // Normal random numbers, the same for the same name and shape.
  GraphBuilder& Random(const std::string& name, std::vector<int64_t> dims, float spread = 1.0F);
  // Adds a node; the reference is good until the next one.
  Node& Add(const std::string& op_type, std::vector<std::string> inputs,
            std::vector<std::string> outputs);

  Model model;
};

// Normal random numbers, the same for the same seed.
std::vector<float> RandomFloats(size_t count, uint32_t seed, float spread = 1.0F);
Tensor RandomTensor(const std::string& name, std::vector<int64_t> dims, uint32_t seed,
                    float spread = 1.0F);

// Serializes, loads into ONNX Runtime (optimized or not), runs.
std::vector<Tensor> RunModel(const Model& model, const std::vector<Tensor>& inputs,
                             bool optimize = false);

// Operators of the graph that the engine really runs, sorted, with counts: "QLinearConv" -> 2.
std::map<std::string, int> OptimizedOperators(const Model& model);

float MaxDifference(const Tensor& a, const Tensor& b);

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_GRAPH_BUILDER_H_
