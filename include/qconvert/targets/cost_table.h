// What the kernels of ONNX Runtime take on one kind of processor, in nanoseconds.
//
// A time is a sum of terms: how often something happens (a call, a product, an element written)
// times what it takes. The terms are the same for all processors; tables differ in the numbers.
#ifndef QCONVERT_TARGETS_COST_TABLE_H_
#define QCONVERT_TARGETS_COST_TABLE_H_

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace qconvert {

enum class CostTerm : size_t {
  kKernel,      // calling any kernel
  kRun,         // one run of a model, beside its kernels
  kResult,      // an element of an output, handed out
  kQuantize,    // an element
  kDequantize,  // an element
  kLayout,      // an element of an image that changes between channels last and blocks of channels
  kPlainPool,   // an output of MaxPool on integers, channels first

  // A product of an input and a weight, by kind of kernel.
  kFloatProduct,
  kFloatMediumProduct,          // at most three blocks of output channels
  kFloatThinProduct,            // fewer than 4 input channels
  kFloatNarrowProduct,          // at most one block of output channels
  kFloatDepthwiseProduct,       // channels in full blocks
  kFloatPlainDepthwiseProduct,  // others
  kFloatMatrixProduct,
  kFloatLstmProduct,  // a vector in every step: the weights come from memory
  kIntegerProduct,
  kIntegerMatrixProduct,
  kIntegerDepthwiseProduct,       // 3 x 3, channels a multiple of 16
  kIntegerPlainDepthwiseProduct,  // 3 x 3
  kIntegerLargeDepthwiseProduct,
  kDynamicProduct,
  kDynamicLstmProduct,

  // Other parts of a convolution or matrix product, by element.
  kFloatInput,
  kFloatWeight,
  kFloatOutput,
  kFloatDepthwiseOutput,
  kIntegerInput,
  kIntegerWeight,
  kIntegerOutput,
  kIntegerMatrixOutput,
  kIntegerConv,  // a call, on top of kKernel
  kGatheredRun,  // copying the channels of one kernel position
  kGatheredByte,
  kDynamicKernel,  // finding the range of an input and converting it
  kDynamicInput,
  kDynamicOutput,
  kDynamicLstmStep,  // converting the state of one sequence in every step

  kElements,  // from here on the operators of ElementOperators, float and integer by turns
};

// An operator that goes over elements.
struct ElementOperator {
  std::string_view op_type;
  bool per_input = false;  // costs count elements of the first input; else of the output
};

inline constexpr std::array kElementOperators = {
    ElementOperator{"Add"},
    ElementOperator{"Mul"},
    ElementOperator{"Concat"},
    ElementOperator{"AveragePool", true},
    ElementOperator{"GlobalAveragePool", true},
    ElementOperator{"LeakyRelu"},
    ElementOperator{"Sigmoid"},
    ElementOperator{"HardSigmoid"},
    ElementOperator{"Softmax"},
    ElementOperator{"MaxPool"},
    ElementOperator{"Transpose"},
    ElementOperator{"Slice"},
    ElementOperator{"Gather"},
    ElementOperator{"Split"},
    ElementOperator{"Expand"},
    ElementOperator{"Tile"},
    ElementOperator{"DepthToSpace"},
    ElementOperator{"Pad"},
    ElementOperator{"Resize"},
    ElementOperator{"Relu"},
    ElementOperator{"ReduceMax", true},
    ElementOperator{"ReduceMin", true},
};

inline constexpr size_t kCostTerms =
    static_cast<size_t>(CostTerm::kElements) + 2 * kElementOperators.size();

// The terms of kElementOperators[k].
constexpr CostTerm FloatElement(size_t k) {
  return static_cast<CostTerm>(static_cast<size_t>(CostTerm::kElements) + 2 * k);
}
constexpr CostTerm IntegerElement(size_t k) {
  return static_cast<CostTerm>(static_cast<size_t>(CostTerm::kElements) + 2 * k + 1);
}

// As a file spells it: "float_product", "Add.integer".
std::string CostTermName(CostTerm term);

struct CostTable {
  std::array<double, kCostTerms> ns{};  // by CostTerm, >= 0

  constexpr double operator[](CostTerm term) const { return ns[static_cast<size_t>(term)]; }
  constexpr double& operator[](CostTerm term) { return ns[static_cast<size_t>(term)]; }
};

// How often each term of a time occurs.
struct CostShare {
  CostTerm term;
  double count;
};
using CostShares = std::vector<CostShare>;

// The same of many nodes together.
struct CostCounts {
  std::array<double, kCostTerms> count{};  // by CostTerm

  void Add(const CostShares& shares);
};

double TimeOf(const CostShares& shares, const CostTable& table);
double TimeOf(const CostCounts& counts, const CostTable& table);

// ONNX Runtime 1.28.0, one thread (docs/plan.md has how they were fitted): x86 with AVX2 and no
// int8 dot product, the kind on which integers gain least, and x86 with AVX-512 and VNNI.
extern const CostTable kAvx2Costs;
extern const CostTable kVnniCosts;

}  // namespace qconvert

#endif  // QCONVERT_TARGETS_COST_TABLE_H_
