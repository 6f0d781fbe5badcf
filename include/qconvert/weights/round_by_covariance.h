// Rounding of weights by second order: every code makes up for the errors of those before it.
#ifndef QCONVERT_WEIGHTS_ROUND_BY_COVARIANCE_H_
#define QCONVERT_WEIGHTS_ROUND_BY_COVARIANCE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/targets/op_rules.h"
#include "qconvert/weights/quantize_weights.h"

namespace qconvert {

// H = sum over positions of x x^T, [count, count] row by row, of the inputs x that one output is a
// sum of, in kernel order (WeightOrder): one for each group of a Conv, else one.
using InputCovariances = std::vector<std::vector<double>>;

// Whether the node's weights can be rounded so: Conv and ConvTranspose with explicit padding, Gemm,
// MatMul with a weight matrix, whose covariances take at most 64 MiB and have at most 2048 rows.
bool HasInputCovariance(const Node& node, const Tensor& weight);

// Output positions that are looked at per weight of a channel, spread evenly: as much as inputs by
// themselves ask for, and what is fitted to outputs.
inline constexpr int64_t kSomePositions = 4;
inline constexpr int64_t kManyPositions = 16;

// From the values of input 0, one tensor per sample.
InputCovariances CollectCovariances(const Node& node, const Tensor& weight,
                                    std::span<const Tensor> inputs,
                                    int64_t positions_per_weight = kSomePositions);

// The weights that make up for what the inputs differ from those of the float model:
//
//   W + (H + 0.05 mean(diag H) I)^-1 sum over positions of (x - mean x) (r - mean r)^T,   r = y - x
//   W
//
// `inputs` x as the quantized model computes them, which the covariances are of, `outputs` y of the
// float model, with or without a bias; both looks at as many positions. As they are where both have
// not the same positions.
Tensor RefitWeights(const Node& node, const Tensor& weight, std::span<const Tensor> inputs,
                    std::span<const Tensor> outputs, const InputCovariances& covariances,
                    int64_t positions_per_weight = kSomePositions);

// The codes that leave least of e^T H e, e = W - s W_q, per output channel, found greedily in
// kernel order with the scales, the format (symmetric) and the limit of pairs of `nearest`:
//
//   W_q[k] = round(W[k] / s),   W[j] -= (W[k] - s W_q[k]) / U[k][k] * U[k][j]   for j > k
//
// where U is the upper Cholesky factor of (H + 0.01 mean(diag H) I)^-1. A channel keeps the codes
// of `nearest` where those leave less, or some are farther than kMostCodeSteps from them. Source:
// Frantar et al. 2022, "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained
// Transformers", algorithm 1.
FittedWeights RoundByCovariance(const Tensor& weight, const WeightOrder& order,
                                const FittedWeights& nearest, const InputCovariances& covariances);

// The scales that leave least when RoundByCovariance rounds with them, per channel, per block or
// one for all as `nearest` has them: those of `nearest` or 0.7 to 1.3 times as much, in steps of
// 0.05, by the sum over k of ((W[k] - s W_q[k]) / U[k][k])^2, which is e^T H e with the damped H;
// of blocks one after the other, each with what those in front leave to it. Fewer codes want large
// weights clipped that seldom count, which the weights alone do not tell.
std::vector<float> FitScalesByCovariance(const Tensor& weight, const WeightOrder& order,
                                         const FittedWeights& nearest,
                                         const InputCovariances& covariances);

}  // namespace qconvert

#endif  // QCONVERT_WEIGHTS_ROUND_BY_COVARIANCE_H_
