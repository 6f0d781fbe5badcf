#include "integer_product.h"

namespace qconvert {

RunTimeCodes EmitRunTimeCodes(std::vector<Node>& nodes, QdqBuilder& builder,
                              const std::string& value) {
  RunTimeCodes out{builder.FreshName("q"), builder.FreshName("s"), builder.FreshName("z")};
  Emit(nodes, "DynamicQuantizeLinear", {value}, {out.codes, out.scale, out.zero_point});
  return out;
}

void EmitProduct(std::vector<Node>& nodes, QdqBuilder& builder, const RunTimeCodes& x,
                 const std::string& weight, const std::string& weight_scale,
                 const std::string& output, const std::string& name) {
  const std::string sum = builder.FreshName("t");
  const std::string product = builder.FreshName("t");
  const std::string scale = builder.FreshName("s");
  Emit(nodes, "MatMulInteger", {x.codes, weight, x.zero_point}, {sum}).name = name;
  Emit(nodes, "Cast", {sum}, {product}).Set("to", int64_t{1});  // TensorProto.FLOAT
  Emit(nodes, "Mul", {x.scale, weight_scale}, {scale});
  Emit(nodes, "Mul", {product, scale}, {output});
}

}  // namespace qconvert
