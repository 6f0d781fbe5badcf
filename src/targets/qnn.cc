// Qualcomm's NPU through ONNX Runtime's QNN execution provider. Sources: the node-unit selectors
// and operator builders of onnxruntime-qnn, and the overrides of ONNX Runtime's quantizer for QNN.
#include "qconvert/targets/target.h"

namespace qconvert {

// A pair around every node: the provider forms a group of DQ, node and Q, and what has none
// computes in float16 or on the CPU. Movement keeps the parameters of what it moves.
const Target kQnnTarget{.name = "QNN",
                        .works_on_codes = false,
                        .stores_weights = false,
                        .one_type_per_node = true,
                        .fixes_squashed = true,
                        .products_per_tensor = true,
                        .writes_beta = true,
                        .narrow_weights = true};

}  // namespace qconvert
