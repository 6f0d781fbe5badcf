// Weights and biases of the layers of a block, learned together from what the block should write.
#ifndef QCONVERT_WEIGHTS_LEARN_BLOCK_H_
#define QCONVERT_WEIGHTS_LEARN_BLOCK_H_

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "qconvert/config/learning_settings.h"
#include "qconvert/ir/graph.h"
#include "qconvert/plan/find_blocks.h"
#include "qconvert/plan/plan.h"
#include "qconvert/weights/quantize_weights.h"

namespace qconvert {

// Whether a block may hold an operator without weights like this one, by its type.
bool IsBlockOperator(const Node& node);

// What a layer of the block begins with.
struct BlockStart {
  FittedWeights weights;     // symmetric, zero point 0
  std::vector<float> shift;  // of its bias, by output channel; empty: none
  bool keeps_bias = false;   // it does not learn
};

// One tensor per sample.
struct BlockSamples {
  std::span<const Tensor> inputs;        // the entry, as the quantized model computes it
  std::span<const Tensor> float_inputs;  // the same in the float model; only for a quantized_part
                                         // below 1
  std::span<const Tensor> outputs;       // the exit in the float model
};

// Codes and biases, or biases alone: both with the ranges of roots, where there are any.
enum class BlockVariables { kCodes, kRanges };
struct WhatLearns {
  BlockVariables variables = BlockVariables::kCodes;
  // Of values that the block writes, whose scales follow from their ranges (ParamsFromRange) and
  // not from powers of two.
  std::set<std::string> roots;
};

struct LearnedBlock {
  std::vector<BlockStart> layers;  // as they were where nothing better was found
  LearnedRanges ranges;            // by root, those that changed
  // Mean squared error of the exit on the held-out images.
  double error_before = 0;
  double error_after = 0;
  std::string obstacle;  // why nothing could be learned; empty: it could
};

// Minimizes over codes and biases of all layers of the block, with the scales they begin with,
//
//   sum over images of |B_q(x) - y|^2
//
// where B_q rounds weights to codes and what passes between its operators to the grids of `values`,
// x and y as in BlockSamples. Gradients pass the rounding of values unchanged where it does not
// saturate. With a quantized_part below 1 every number between the operators, and of x, stays as it
// is in float with the rest of that chance. Every fifth image is held out; whole codes are looked
// at there every 100 steps, and the block keeps what has the least error, all layers together.
//
// The ranges of `learns.roots` are variables beside the codes (src/weights/block_ranges.h): every
// bound that is not 0, in steps of a five hundredth of the width; what B_q writes is then rounded
// too. At a look codes and ranges are tried together and each with the best of the other. Choi et
// al. 2018, "PACT: Parameterized Clipping Activation for Quantized Neural Networks", with the
// outputs of the block in place of labels.
//
// Operators: Conv, Gemm, MatMul with constant weights, those of IsBlockOperator. Li et al. 2021,
// "BRECQ: Pushing the Limit of Post-Training Quantization by Block Reconstruction"; Wei et al.
// 2022, "QDrop". The same for any number of threads.
//
// `starts`: one per entry of block.layers.
LearnedBlock LearnBlock(const Graph& graph, const Block& block, std::vector<BlockStart> starts,
                        const std::map<std::string, ValuePlan>& values, const BlockSamples& samples,
                        const LearningSettings& settings, int workers,
                        const WhatLearns& learns = {});

// Multiply-adds that LearnBlock does of so many images, of a block that takes `products` for one,
// where no look ends it early. More images than memory has room for count as if they had it.
double BlockLearningCost(double products, double images, const LearningSettings& settings);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_LEARN_BLOCK_H_
