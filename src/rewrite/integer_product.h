// Products with ranges taken at run time, spelled with standard operators.
#ifndef QCONVERT_SRC_REWRITE_INTEGER_PRODUCT_H_
#define QCONVERT_SRC_REWRITE_INTEGER_PRODUCT_H_

#include <string>
#include <utility>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qdq_builder.h"

namespace qconvert {

// Names of values.
struct RunTimeCodes {
  std::string codes;
  std::string scale;
  std::string zero_point;
};

inline Node& Emit(std::vector<Node>& nodes, const std::string& op_type,
                  std::vector<std::string> inputs, std::vector<std::string> outputs) {
  return nodes.emplace_back(MakeNode(op_type, std::move(inputs), std::move(outputs)));
}

// Appends a DynamicQuantizeLinear of `value`.
RunTimeCodes EmitRunTimeCodes(std::vector<Node>& nodes, QdqBuilder& builder,
                              const std::string& value);

// Appends x_q -> MatMulInteger{w_q} -> Cast -> Mul{s_x * s_w} -> `output`. `weight`: int8 codes
// [k, n] without a zero point, `weight_scale`: a scalar or [n]. The MatMulInteger is called `name`.
void EmitProduct(std::vector<Node>& nodes, QdqBuilder& builder, const RunTimeCodes& x,
                 const std::string& weight, const std::string& weight_scale,
                 const std::string& output, const std::string& name);

}  // namespace qconvert

#endif  // QCONVERT_SRC_REWRITE_INTEGER_PRODUCT_H_
