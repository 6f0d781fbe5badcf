// Values that are rounded to float16 or bfloat16.
#ifndef QCONVERT_REWRITE_ROUND_VALUES_H_
#define QCONVERT_REWRITE_ROUND_VALUES_H_

#include <map>
#include <string>

#include "qconvert/ir/data_type.h"
#include "qconvert/ir/graph.h"

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

}  // namespace qconvert

#endif  // QCONVERT_REWRITE_ROUND_VALUES_H_
