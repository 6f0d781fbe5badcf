#include "qdq_builder.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

namespace qconvert {
namespace {

Tensor IntegerTensor(DataType type, std::vector<int64_t> dims, const std::vector<int32_t>& values) {
  Tensor tensor;
  tensor.type = type;
  tensor.dims = std::move(dims);
  tensor.bytes = std::make_shared<const std::string>(PackCodes(values, type));
  return tensor;
}

std::vector<int64_t> ParameterDims(const QuantParams& params) {
  if (params.per_tensor()) return {};
  return {static_cast<int64_t>(params.scales.size())};
}

bool AllZero(const std::vector<int32_t>& values) {
  return std::all_of(values.begin(), values.end(), [](int32_t v) { return v == 0; });
}

}  // namespace

std::string QdqBuilder::Constant(Tensor tensor, const std::string& prefix) {
  // Found by a hash: a key with the bytes would hold all weights a second time.
  const size_t hash = std::hash<std::string>()(*tensor.bytes);
  const auto [first, last] = constants_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    const Tensor& known = graph_.initializers.at(it->second);
    if (HaveSameElements(known, tensor)) return known.name;
  }
  tensor.name = names_->Make(prefix);
  constants_.emplace(hash, tensor.name);
  return graph_.initializers.emplace(tensor.name, std::move(tensor)).first->first;
}

std::string QdqBuilder::ScaleName(const QuantParams& params) {
  return Constant(MakeFloatTensor("", ParameterDims(params), params.scales), "s");
}

std::string QdqBuilder::ZeroPointName(const QuantParams& params) {
  return Constant(IntegerTensor(params.type, ParameterDims(params), params.zero_points), "z");
}

std::string QdqBuilder::IntegerScalar(DataType type, int32_t value) {
  return Constant(IntegerTensor(type, {}, {value}), "z");
}

Node QdqBuilder::Make(std::string op_type, std::vector<std::string> inputs, const std::string& to,
                      const QuantParams& params) {
  Node node = MakeNode(std::move(op_type), std::move(inputs), {to});
  if (!params.per_tensor()) node.Set("axis", params.axis);
  if (foreign_16bit_ && (params.type == DataType::kUint16 || params.type == DataType::kInt16)) {
    node.domain = "com.microsoft";
    used_foreign_ = true;
  }
  return node;
}

Node QdqBuilder::Quantize(const std::string& from, const std::string& to,
                          const QuantParams& params) {
  return Make("QuantizeLinear", {from, ScaleName(params), ZeroPointName(params)}, to, params);
}

Node QdqBuilder::Dequantize(const std::string& from, const std::string& to,
                            const QuantParams& params, bool explicit_zero_point) {
  std::vector<std::string> inputs = {from, ScaleName(params)};
  // A scalar costs nothing (equal ones are shared), and some kernels ask for it; a vector of zeros
  // is left out.
  if (params.per_tensor() || explicit_zero_point || !AllZero(params.zero_points))
    inputs.push_back(ZeroPointName(params));
  return Make("DequantizeLinear", std::move(inputs), to, params);
}

}  // namespace qconvert
