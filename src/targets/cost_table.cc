#include "qconvert/targets/cost_table.h"

#include "qconvert/base/check.h"

namespace qconvert {
namespace {

constexpr size_t kFirstElement = static_cast<size_t>(CostTerm::kElements);

struct TermRow {
  std::string_view name;
  double avx2;
  double vnni;
};

// In the order of CostTerm.
constexpr std::array<TermRow, kFirstElement> kTermRows = {{
    {"kernel", 3000, 400},
    {"run", 4000, 1550},
    {"result", 0.3, 0.18},
    {"quantize", 0.46, 0.075},
    {"dequantize", 0.31, 0.079},
    {"layout", 0.45, 0.06},
    {"plain_pool", 25, 25},
    {"float_product", 0.025, 0.017},
    {"float_medium_product", 0.031, 0.018},
    {"float_thin_product", 0.045, 0.023},
    {"float_narrow_product", 0.056, 0.044},
    {"float_depthwise_product", 0.04, 0.028},
    {"float_plain_depthwise_product", 0.45, 0.052},
    {"float_matrix_product", 0.025, 0.016},
    {"float_lstm_product", 0.1, 0.032},
    {"integer_product", 0.0145, 0.0033},
    {"integer_matrix_product", 0.0175, 0.0043},
    {"integer_depthwise_product", 0.095, 0.044},
    {"integer_plain_depthwise_product", 0.26, 0.16},
    {"integer_large_depthwise_product", 0.14, 0.044},
    {"dynamic_product", 0.0165, 0.0043},
    {"dynamic_lstm_product", 0.045, 0.012},
    {"float_input", 0.11, 0.0017},
    {"float_weight", 0.1, 0.031},
    {"float_output", 0.12, 0.29},
    {"float_depthwise_output", 0.15, 0.0097},
    {"integer_input", 0.12, 0.001},
    {"integer_weight", 0.03, 0.012},
    {"integer_output", 0.2, 0.36},
    {"integer_matrix_output", 1.1, 0.23},
    {"integer_conv", 1000, 38},
    {"gathered_run", 2.5, 1.8},
    {"gathered_byte", 0.03, 0.001},
    {"dynamic_kernel", 4000, 430},
    {"dynamic_input", 1.0, 0.29},
    {"dynamic_output", 0.5, 0.094},
    {"dynamic_lstm_step", 1000, 350},
}};

struct ElementRow {
  double avx2_float;
  double avx2_integer;
  double vnni_float;
  double vnni_integer;
};

// In the order of kElementOperators.
constexpr std::array<ElementRow, kElementOperators.size()> kElementRows = {{
    {0.27, 0.21, 0.055, 0.0086},  // Add
    {0.29, 0.38, 0.075, 0.22},    // Mul
    {0.27, 0.57, 0.017, 0.002},   // Concat
    {0.3, 0.6, 0.22, 2.2},        // AveragePool
    {0.1, 0.1, 0.2, 0.13},        // GlobalAveragePool
    {0.25, 0.52, 0.12, 0.18},     // LeakyRelu
    {0.51, 1.0, 0.23, 0.18},      // Sigmoid
    {0.29, 0.21, 0.087, 0.047},   // HardSigmoid
    {1.0, 5.0, 0.65, 2.1},        // Softmax
    {0.92, 0.57, 0.9, 4.4},       // MaxPool
    {0.17, 0.17, 0.038, 0.012},   // Transpose
    {0.18, 0.1, 0.087, 0.059},    // Slice
    {0.35, 0.2, 0.038, 0.011},    // Gather
    {0.21, 0.1, 0.17, 0.079},     // Split
    {0.8, 0.8, 0.0085, 0.003},    // Expand
    {0.8, 0.8, 0.11, 0.069},      // Tile
    {0.3, 0.3, 1.8, 1.4},         // DepthToSpace
    {0.41, 0.2, 0.25, 0.26},      // Pad
    {0.67, 0.5, 0.0089, 0.0037},  // Resize
    {0.18, 0.1, 0.1, 0.05},       // Relu
    {0.3, 0.3, 0.12, 0.099},      // ReduceMax
    {0.3, 0.3, 0.12, 0.1},        // ReduceMin
}};

constexpr CostTable MakeTable(bool vnni) {
  CostTable table;
  for (size_t k = 0; k < kFirstElement; ++k)
    table.ns[k] = vnni ? kTermRows[k].vnni : kTermRows[k].avx2;
  for (size_t k = 0; k < kElementRows.size(); ++k) {
    const ElementRow& row = kElementRows[k];
    table[FloatElement(k)] = vnni ? row.vnni_float : row.avx2_float;
    table[IntegerElement(k)] = vnni ? row.vnni_integer : row.avx2_integer;
  }
  return table;
}

}  // namespace

// Other constants are made of them: there before any of these.
constinit const CostTable kAvx2Costs = MakeTable(false);
constinit const CostTable kVnniCosts = MakeTable(true);

std::string CostTermName(CostTerm term) {
  const auto k = static_cast<size_t>(term);
  QCONVERT_CHECK(k < kCostTerms);
  if (k < kFirstElement) return std::string(kTermRows[k].name);
  const size_t element = k - kFirstElement;
  return std::string(kElementOperators[element / 2].op_type) +
         (element % 2 == 0 ? ".float" : ".integer");
}

void CostCounts::Add(const CostShares& shares) {
  for (const CostShare& share : shares) count[static_cast<size_t>(share.term)] += share.count;
}

double TimeOf(const CostShares& shares, const CostTable& table) {
  double ns = 0;
  for (const CostShare& share : shares) ns += share.count * table[share.term];
  return ns;
}

double TimeOf(const CostCounts& counts, const CostTable& table) {
  double ns = 0;
  for (size_t k = 0; k < kCostTerms; ++k) ns += counts.count[k] * table.ns[k];
  return ns;
}

}  // namespace qconvert
