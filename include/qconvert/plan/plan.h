// Everything that was decided about a model, before anything is rewritten.
//
// Made in three steps: PlaceNodes says what to quantize and so what to observe (placement.h);
// MakePlan turns the calibration table into parameters; FillCodes (weights/fill_codes.h) makes the
// integers of weights. All are pure functions. The rewriter only writes down what stands here.
#ifndef QCONVERT_PLAN_PLAN_H_
#define QCONVERT_PLAN_PLAN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "qconvert/calibration/calibration_table.h"
#include "qconvert/ir/graph.h"
#include "qconvert/numbers/bias_grid.h"
#include "qconvert/numbers/numeric_format.h"
#include "qconvert/numbers/quant_params.h"
#include "qconvert/plan/model_settings.h"
#include "qconvert/plan/placement.h"
#include "qconvert/plan/round_values.h"

namespace qconvert {

// Parameters of one quantized value and where they came from.
struct ValuePlan {
  QuantParams params;
  NumericFormat format;  // its codes may be fewer than those of the type
  Range range;
  std::string root;    // whose statistics
  std::string method;  // DescribeMethod of its settings, "fixed", "given", "kept" or "learned"
};

// A float initializer as integers.
struct ConstantCodes {
  std::string name;  // of the initializer
  Tensor codes;
  QuantParams params;
  NumericFormat format = {};
  int32_t pair_limit = 0;  // that codes of weights keep, see quantize_weights.h
  std::string steps;  // of weights that are not rounded to the nearest code (weights/code_steps.h)
};

// HardSigmoid in uint8 is an Add whose Q clips; readers dequantize with the parameters of its
// value.
//   q = clip((x + shift) / step),   shift = beta / alpha,   step = 1 / (255 alpha)
struct HardSigmoidPlan {
  ConstantCodes shift;
  QuantParams clip;
};

// The largest fix positions that shifts allow; nothing: any.
struct PositionLimits {
  std::optional<int> weights;
  std::optional<int> bias;
};

// The grid that a value of another type is converted to in front of one of its readers.
struct ConvertedInput {
  QuantParams params;  // per tensor
  NumericFormat format;
};

// What an integer node computes with besides the values it reads.
struct IntegerNodePlan {
  std::optional<ConstantCodes> weight;  // input 1
  bool zero_point_of_weight = false;    // its kernel wants the zero point spelled out
  // Of input 2, or of the Add behind a MatMul, which is made where there is none: integers, or
  // floats without scales.
  std::optional<Tensor> bias;
  std::vector<float> bias_scales;
  std::vector<float> bias_shift;               // that was added to the float bias; may be empty
  PositionLimits limits;                       // of powers of two
  BiasGrid bias_grid;                          // that the float bias was put on before
  std::map<size_t, ConstantCodes> operands;    // other constants, by input
  std::map<size_t, ConvertedInput> converted;  // inputs that come in the type of another node
  std::set<size_t> implied;  // nodes of its tail that the saturation of its Q does, or `bounds`
  // Of a Relu or Clip that works on the integers themselves, or follows this node there: its bounds
  // as codes.
  std::array<std::optional<int32_t>, 2> bounds;
  std::optional<HardSigmoidPlan> hard_sigmoid;
};

// A scale that was made coarser for a shift that has to fit (fix_positions.h): 2^-from to 2^-to.
struct PositionChange {
  std::string node;
  std::string_view what;  // "output", "weights", "bias"
  int from = 0;
  int to = 0;
};

// Of a node that is quantized at run time: its weights [k, n], or [directions, k, n] with one scale
// per direction and column.
struct DynamicNodePlan {
  std::vector<ConstantCodes> weights;  // MatMul, Gemm: one; LSTM, GRU: W and R
};

// Weights of a node that computes in float, stored as integers: codes * scales, the scales
// broadcast; or as float16 or bfloat16, without scales. Weights in blocks have their blocked
// dimension split: [k / block, block, n] with scales [k / block, 1, n].
struct StoredWeight {
  std::string name;
  Tensor codes;               // int8 or int16; float16 or bfloat16
  std::vector<int64_t> dims;  // of `codes` where scales need other dimensions than the weight has
  std::vector<int64_t> scale_dims;
  std::vector<float> scales;  // one per output channel (row of a Gather table, gate row of an LSTM)
  NumericFormat format = {};  // of integers
  int64_t block_size = 0;     // 0: one scale per channel
  std::string steps = {};     // as of ConstantCodes

  int bits() const { return BitsOf(codes.type); }
};

// How stored weights become floats again in the file.
enum class StoredAs {
  kProduct,           // Cast and Mul, which the engine folds when it loads the file
  kBlocksPacked,      // those in blocks by one DequantizeLinear, which the engine keeps packed
  kDequantizeLinear,  // all by one DequantizeLinear, for what compiles the file for a device
};

struct QuantizationPlan {
  Placement placement;
  std::map<std::string, ValuePlan> values;
  std::map<size_t, IntegerNodePlan> integer_nodes;
  std::map<size_t, DynamicNodePlan> dynamic_nodes;  // float in the placement
  // Float nodes that need a DequantizeLinear of their own with so many (equal) scales.
  std::map<size_t, int64_t> own_dequantize;
  // By the way to the initializer: its name, on the top level (weights/store_weights.h).
  std::map<std::string, StoredWeight> stored;
  RoundedFloats rounded;        // values; weights are in `stored`
  bool works_on_codes = true;   // as of the target (targets/target.h)
  bool exact_rounding = false;  // values round as their formats say, not as QuantizeLinear does
  StoredAs stored_as = StoredAs::kProduct;
  bool narrow_weights = false;  // of integer nodes too, in the narrowest type of the opset
  bool writes_beta = false;     // of a Gemm, also where it is 1
  std::vector<PositionChange> position_changes;
  // Of bodies of If, Loop and Scan (ir/body_graph.h), by the way to them; names are those of the
  // body. Weights that they store are in `stored` of the whole.
  std::map<std::string, QuantizationPlan> bodies = {};
};

// The parameters that node `n` reads its input 0 with.
const QuantParams& FirstInputParams(const QuantizationPlan& plan, size_t n, const Node& node);

// Sets what the target and switches of the settings decide about the form of the whole file.
void SetForms(const QuantConfig& config, QuantizationPlan& plan);

// Values with infinities in the table: they cannot be quantized.
std::set<std::string> NonFiniteValues(const CalibrationTable& table);

// Ranges decided earlier for the same table: a search makes many plans.
class RangeCache {
 public:
  // The range of `value` under these settings: that of before, or what `decide` returns.
  template <typename Decide>
  const Range& Get(const std::string& value, const TensorSettings& settings, const Decide& decide) {
    auto& known = ranges_[value];
    for (const auto& [of, range] : known)
      if (of == settings) return range;
    return known.emplace_back(settings, decide()).second;
  }

 private:
  std::map<std::string, std::vector<std::pair<TensorSettings, Range>>> ranges_;
};

// By value, in place of what the settings' method says.
using LearnedRanges = std::map<std::string, Range>;

// Parameters for every quantized value of the placement, constant operands and forms of integer
// nodes. Weights are left to FillCodes. `ranges` and `learned` may be null; learned ranges take the
// place of those of the settings' method. Throws Error(kNumeric) when a symmetric unsigned setting
// meets negative values.
QuantizationPlan MakePlan(const Graph& graph, Placement placement, const CalibrationTable& table,
                          const ModelSettings& settings, RangeCache* ranges = nullptr,
                          const LearnedRanges* learned = nullptr);

}  // namespace qconvert

#endif  // QCONVERT_PLAN_PLAN_H_
