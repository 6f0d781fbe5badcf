// What an output means, as far as the graph tells: scores of classes, or plain values.
#ifndef QCONVERT_REPORT_OUTPUT_KIND_H_
#define QCONVERT_REPORT_OUTPUT_KIND_H_

#include <cstdint>
#include <string>

#include "qconvert/ir/graph.h"
#include "qconvert/ir/topology.h"

namespace qconvert {

// Scores decide something: there, what counts besides noise is whether the decision stays.
struct OutputKind {
  enum class Scores {
    kNone,           // values
    kLogits,         // the softmax over `axis` are probabilities
    kLikelyLogits,   // the same, guessed: the last matrix product over a class axis
    kProbabilities,  // sum to one over `axis` or are one sigmoid per class
    kBinary,         // every value is one sigmoid
  };
  Scores scores = Scores::kNone;
  size_t axis = 0;  // of the classes; without meaning for kNone and kBinary

  bool operator==(const OutputKind&) const = default;
};

// The kind of `value`, looked for through nodes that only move, cast or copy it (the class axis is
// followed; where it is lost the answer is kNone):
//
// - kProbabilities: Softmax; Sigmoid over a class axis: that of the channels of Conv, else the
//   shortest but the first, since there are fewer classes than places
// - kBinary: Sigmoid over one class
// - kLogits: LogSoftmax; read by Softmax, LogSoftmax, ArgMax or TopK
// - kLikelyLogits: [N, C], [T, N, C] or [N, H, W, C] out of a Gemm or MatMul with a constant
//   factor, C >= 2; [N, C, H, W] out of a Conv of 1 x 1, or resized from it, as the model's only
//   output, C = 2 or C >= 4 (three channels are a picture)
//
// `value_info` of the graph must hold types and, where known, shapes. Cost: a few steps.
OutputKind FindOutputKind(const Graph& graph, const Topology& topology, const std::string& value);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_OUTPUT_KIND_H_
