// Values that are rounded to float16 or bfloat16.
#ifndef QCONVERT_REWRITE_ROUND_VALUES_H_
#define QCONVERT_REWRITE_ROUND_VALUES_H_

#include <map>
#include <string>
#include <vector>

#include "qconvert/ir/data_type.h"
#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"
#include "qconvert/numbers/numeric_format.h"
#include "qconvert/numbers/quant_params.h"

namespace qconvert {

// Every reader of such a value, and the output of the model, has it rounded:
//
//   Conv -> y        becomes      Conv -> Cast{to half type} -> Cast{to float} -> y
//   x (input)        becomes      x -> Cast{to half type} -> Cast{to float} -> its readers
//
// The kernels compute in float32: ONNX Runtime's CPU provider has next to none for these types (for
// bfloat16 it refuses the model, for float16 it drops the casts and with them the rounding), and it
// keeps such a pair as it is. Values that are no longer there are passed over; bodies
// read inputs of the model as they came. Needs opset >= 13.
void RoundValues(Graph& graph, const std::map<std::string, DataType>& types);

// Codes of a value and what they stand for, per tensor.
struct ValueGrid {
  QuantParams params;
  NumericFormat format;
};

// Appends the nodes that round `from` to `to`, as RoundToGrids does.
void AppendRounding(const ValueGrid& grid, const std::string& from, const std::string& to,
                    NameMaker& names, Graph& graph, std::vector<Node>& nodes);

// The same for values that are rounded to the nearest of their codes, halves to even, in float32,
// which holds codes of 16 bits exactly:
//
//   Conv -> y     becomes     Conv -> Div{s} -> Round -> Clip{qmin - z, qmax - z} -> Mul{s} -> y
//
// In any opset from 11 on, where QuantizeLinear takes 16 bits from 21 on only.
void RoundToGrids(Graph& graph, const std::map<std::string, ValueGrid>& grids);

}  // namespace qconvert

#endif  // QCONVERT_REWRITE_ROUND_VALUES_H_
