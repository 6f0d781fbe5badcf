// What differs between devices, as data: one row of constants per device here, one table of
// operators per file in src/targets.
#ifndef QCONVERT_TARGETS_TARGET_H_
#define QCONVERT_TARGETS_TARGET_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "qconvert/ir/graph.h"

namespace qconvert {

// A row of a device's table: an operator that it computes on integers, where `why_float` is null or
// returns nothing.
struct TargetOperator {
  std::string_view op_type;
  std::string (*why_float)(const Graph& graph, const Node& node) = nullptr;
};

// Where Q/DQ pairs stand.
enum class PairPlacement {
  kAround,  // before and behind every integer node
  kInputs,  // on what integer nodes read: what they write stays float until the next one reads it
};

// How the bias of an integer node is written.
enum class BiasForm {
  kProductScale,  // int32, scale of the input times that of the weights
  kFloat,
  kOwnScale,  // in the bits of its settings, with a scale of its own
};

struct Target {
  std::string_view name;
  // Integers only where they are estimated to be faster; else wherever a kernel takes them.
  bool places_by_time = false;
  // What two neighbouring weights of one sign may sum to: kernels without int8 dot products add
  // products in pairs as 16-bit integers that saturate (vpmaddubsw), and 255 * 128 < 2^15. 0: any.
  int32_t pair_limit = 0;
  // Symmetric int8 activations are written as uint8 with zero point 128, the same numbers: the
  // engine's kernels for uint8 are faster, and some of int8 do not fuse (docs/op_rules.md).
  bool unsigned_activations = false;
  // The engine's own passes turn int8 codes of values into uint8, as its kernels on x86 want them.
  bool unsigns_codes = false;
  // Movement and clamps of 8 bits take and write the codes; else they stand between DQ and Q.
  bool works_on_codes = true;
  // A bare Gemm or MatMul at the end writes floats itself: no pair stands behind it.
  bool products_write_floats = false;
  PairPlacement pairs = PairPlacement::kAround;
  BiasForm bias = BiasForm::kProductScale;
  // Shifts between powers of two have to fit its registers (plan/fix_positions.h).
  bool limits_shifts = false;
  // Float operators are written in the words that ONNX Runtime's CPU kernels compute fastest.
  bool suits_engine = false;
  // Bodies of If, Loop and Scan compute on integers too.
  bool quantizes_bodies = false;
  // Weights of float nodes are stored as integers where the file gets smaller by it. What compiles
  // a file for a device may take no Cast and Mul in front of its weights.
  bool stores_weights = true;
  // Inputs and output of a node have one type: values of another one are converted in front of it.
  bool one_type_per_node = false;
  // Outputs of Sigmoid, HardSigmoid, Softmax and Tanh have the parameters of their whole range.
  bool fixes_squashed = false;
  bool products_per_tensor = false;  // one scale for the weights of MatMul and Gemm
  bool writes_beta = false;          // Gemm says its beta even where it is 1, the default
  bool narrow_weights = false;       // its kernels take int4 weights, from opset 21 on
  // What it computes on integers of what WhyFloat allows; empty: all of that.
  std::span<const TargetOperator> operators = {};
  // What it computes on integers in files of anyone, where that is more than is placed; empty:
  // that.
  std::span<const TargetOperator> kernels = {};
};

extern const Target kCpuTarget;
extern const Target kArmTarget;  // of lint: the engine on ARM, which takes int8 codes as they are
extern const Target kGpuTarget;
extern const Target kDpuTarget;
extern const Target kBpuTarget;
extern const Target kQnnTarget;

// Empty when the target computes the node on integers, else the reason why not: WhyFloat
// (op_rules.h), then the target's own table.
std::string WhyFloatOn(const Target& target, const Graph& graph, const Node& node);

// The same of a node that anyone put between pairs: goes by `kernels` where the target has those.
std::string WhyNoKernelOn(const Target& target, const Graph& graph, const Node& node);

// Why a target without `quantizes_bodies` has no integers in bodies.
std::string WhyBodiesAreFloat(const Target& target);

}  // namespace qconvert

#endif  // QCONVERT_TARGETS_TARGET_H_
