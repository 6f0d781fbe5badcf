// Makes Q and DQ nodes and the initializers they need, sharing equal ones.
#ifndef QCONVERT_SRC_REWRITE_QDQ_BUILDER_H_
#define QCONVERT_SRC_REWRITE_QDQ_BUILDER_H_

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"
#include "qconvert/numbers/quant_params.h"

namespace qconvert {

class QdqBuilder {
 public:
  // `needs_16bit_domain`: 16-bit Q/DQ must come from com.microsoft (ai.onnx has them from opset
  // 21).
  QdqBuilder(Graph& graph, bool needs_16bit_domain)
      : QdqBuilder(graph, needs_16bit_domain, std::make_shared<NameMaker>(graph)) {}
  // `names` makes those of several graphs.
  QdqBuilder(Graph& graph, bool needs_16bit_domain, std::shared_ptr<NameMaker> names)
      : graph_(graph), names_(std::move(names)), foreign_16bit_(needs_16bit_domain) {}

  std::string FreshName(const std::string& prefix) { return names_->Make(prefix); }
  // Adds an initializer under a fresh name, or finds one of equal content.
  std::string Constant(Tensor tensor, const std::string& prefix);

  Node Quantize(const std::string& from, const std::string& to, const QuantParams& params);
  // `explicit_zero_point`: also when it is a vector of zeros; the engine's Gemm kernel asks for it.
  Node Dequantize(const std::string& from, const std::string& to, const QuantParams& params,
                  bool explicit_zero_point = false);

  // Scalar, or one element per slice.
  std::string ScaleName(const QuantParams& params);
  std::string ZeroPointName(const QuantParams& params);
  // A scalar of the quantized type.
  std::string IntegerScalar(DataType type, int32_t value);

  bool used_foreign_domain() const { return used_foreign_; }

 private:
  Node Make(std::string op_type, std::vector<std::string> inputs, const std::string& to,
            const QuantParams& params);

  Graph& graph_;
  std::shared_ptr<NameMaker> names_;
  bool foreign_16bit_;
  bool used_foreign_ = false;
  std::unordered_multimap<size_t, std::string> constants_;  // names, by a hash of the bytes
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_REWRITE_QDQ_BUILDER_H_
