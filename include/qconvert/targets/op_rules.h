// Which operators ONNX Runtime's CPU provider computes on integers, and under which conditions.
//
// Source: the provider's QDQ selectors and kernels as measured on 1.28.0 (docs/op_rules.md). To add
// an operator: one row in op_rules.cc, its conditions in WhyFloat, a fusion test.
#ifndef QCONVERT_TARGETS_OP_RULES_H_
#define QCONVERT_TARGETS_OP_RULES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"

namespace qconvert {

enum class OpKind {
  kFloatOnly,   // no integer kernel
  kWeighted,    // Conv, Gemm, MatMul with constant weights: integer wherever possible
  kArithmetic,  // Add, Concat, pools, ...: integer where that saves time
  kMovement,    // Reshape, MaxPool, ...: moves or picks values, so it follows its input and shares
                // its parameters
};

// What the engine makes of the operator between DequantizeLinear and QuantizeLinear.
enum class PairForm {
  kNone,        // nothing: it computes in float there
  kWeighted,    // QLinearConv, QGemm, QLinearMatMul, MatMulIntegerToFloat
  kArithmetic,  // QLinear...: all codes of one 8-bit type
  kMovement,    // the operator on the codes: one type and the same parameters on both sides
  kIndices,     // the operator on the codes, which writes indices
};

struct OpRule {
  std::string op_type;
  OpKind kind = OpKind::kFloatOnly;
  // How many inputs carry values to be quantized; the others are shapes, indices, bounds.
  size_t value_inputs = 1;
  PairForm pair_form = PairForm::kNone;
};

inline constexpr size_t kAllInputs = static_cast<size_t>(-1);

// The row of a node's operator in domain ai.onnx; kFloatOnly for all others.
const OpRule& FindOpRule(const Node& node);

// Whether a node computes on integers as it is written: QLinear... and the other operators of
// quantized files, ONNX's and com.microsoft's.
bool IsIntegerKernel(const Node& node);

// Type of a value: declared or inferred, or that of an initializer; kUndefined when unknown.
DataType TypeOfValue(const Graph& graph, const std::string& value);

// Empty when the integer kernel takes this node, else the reason why it stays float ("weight is
// computed at run time").
std::string WhyFloat(const Graph& graph, const Node& node);

// Axis of the output channels in input 1 of a weighted node: Conv 0, Gemm 1 (0 with transB), MatMul
// last; -1 when weights of this node have one scale only (MatMul with weights of more than two
// dimensions).
int64_t WeightAxis(const Node& node, const Tensor& weight);

// The order in which an integer kernel multiplies one output channel's weights with its inputs:
// weight k of channel o in matrix b is element
//   b * batch_stride + o * channel_stride + (k / inner_count) * outer_stride + (k % inner_count) *
//   inner_stride,
// with channel o of ConvTranspose, whose groups lie apart, at
//   (o / group_channels) * group_stride + (o % group_channels) * channel_stride.
struct WeightOrder {
  int64_t axis = -1;  // of the output channels, -1 when the weights have one scale only
  int64_t batches = 1;
  int64_t batch_stride = 0;
  int64_t channels = 1;
  int64_t channel_stride = 0;
  int64_t count = 0;  // weights per channel
  int64_t inner_count = 1;
  int64_t inner_stride = 1;
  int64_t outer_stride = 0;
  int64_t group_channels = 0;  // 0: all lie together
  int64_t group_stride = 0;
  // False for depthwise convolutions, whose kernel adds in 32 bits.
  bool pairs_in_16_bits = true;
};

// The order in which the node's integer kernel walks its weights (Conv is computed channels-last,
// and so would be ConvTranspose, which has none).
WeightOrder KernelOrder(const Node& node, const Tensor& weight);

// True for what can be quantized at run time: MatMul with a weight matrix, Gemm without transA and
// with alpha and beta 1, LSTM with constant weights, GRU with constant weights and bias, its
// default activations (two products by step where linear_before_reset is 0) and all steps of every
// sequence.
bool CanBeDynamic(const Graph& graph, const Node& node);

// True when the node's compute happens on float tensors at all (so that a report should mention
// it).
bool ComputesFloat(const Graph& graph, const Node& node);

}  // namespace qconvert

#endif  // QCONVERT_TARGETS_OP_RULES_H_
