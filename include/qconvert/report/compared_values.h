// Which values of a model tell how near the quantized one is.
#ifndef QCONVERT_REPORT_COMPARED_VALUES_H_
#define QCONVERT_REPORT_COMPARED_VALUES_H_

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/report/output_kind.h"

namespace qconvert {

// What is compared: an output of the model, or an inner value in the place of outputs that say
// little by themselves.
struct ComparedValue {
  std::string name;
  OutputKind kind;
  std::vector<std::string> stands_for;  // outputs; empty: is one itself
  bool has_stand_in = false;            // an output that others are judged in the place of
  bool is_random = false;               // two runs of the float model differ here
  // Ranges or weights were fitted to the samples that are compared: they tell nothing of others.
  bool is_fitted = false;
  // Axis 0 may be one of samples: free, 1, or as long as that of an input. False where the model
  // declares another number: [12, 64] out of [1, 3, 64, 64].
  bool may_be_batched = true;
};

// Values whose shape depends on what the model computes in floating point, so that the quantized
// model may give another one: behind NonZero, NonMaxSuppression, Unique and Compress, or shaped by
// a computed number (Range, Reshape, Expand, Slice, TopK ...). A value whose inferred shape is all
// numbers is none. Linear in nodes.
std::set<std::string> FindDataShapedValues(const Graph& graph);

// All outputs, in order; behind them the values that stand for those that are no floating-point
// tensor or are data-shaped: the nearest computed floating-point values upstream whose shape is
// fixed, and which `may_expose` allows (an output of the graph always is). Views (Reshape,
// Transpose, Cast ...) are looked through.
//
//   x -> ... -> boxes  ---+
//        ... -> scores -> NonMaxSuppression -> Gather -> kept   kept: boxes, scores
//        ... -> logits -> ArgMax -> class                       class: logits
//
// `graph.value_info` holds the types of all values. Linear in nodes for every such output.
std::vector<ComparedValue> FindComparedValues(
    const Graph& graph, const std::function<bool(const std::string& value)>& may_expose);

}  // namespace qconvert

#endif  // QCONVERT_REPORT_COMPARED_VALUES_H_
