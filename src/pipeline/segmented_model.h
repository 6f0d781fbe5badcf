// The end of a model in segments, each opened once.
#ifndef QCONVERT_SRC_PIPELINE_SEGMENTED_MODEL_H_
#define QCONVERT_SRC_PIPELINE_SEGMENTED_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "qconvert/ir/graph.h"
#include "qconvert/runtime/session.h"

namespace qconvert {

// What lies between the nodes that have run and the others, of one sample.
using LiveValues = std::map<std::string, Tensor>;
// The same of several samples.
using Border = std::map<std::string, std::vector<Tensor>>;

// Runs the session on what is there and adds what it gives. `observer` may be null.
void RunInto(LiveValues& live, const Session& session, ValueObserver* observer = nullptr);

class SegmentedModel {
 public:
  // Bytes of weights that a segment has at least: what takes the engine long to lay out for its
  // kernels.
  static constexpr int64_t kLeastBytes = int64_t{8} << 20;

  // The model's nodes are sorted. `place` names it in errors; `integer_kernels` as in
  // OpenForComparison.
  SegmentedModel(Model model, std::string place, bool integer_kernels,
                 int64_t least_bytes = kLeastBytes);

  const Model& model() const { return model_; }
  const Graph& graph() const { return model_.graph; }
  bool integer_kernels() const { return integer_kernels_; }
  // Segments; the first begins with the first node, and may have few weights.
  size_t count() const { return segments_.size(); }
  // The first node of segment `k`; that of count() is where the graph ends.
  size_t First(size_t k) const;
  // Values that segments from `k` on read, or that are outputs, and that earlier ones write or the
  // model is given; k <= count(). No initializers.
  const std::set<std::string>& Needed(size_t k) const { return needed_[k]; }

  bool IsOpen(size_t k) const { return !segments_[k].types.empty(); }
  // With the types that `before` has. Throws Error(kModel) where it lacks a value, or the engine
  // refuses the segment.
  void Open(size_t k, const Border& before);
  // Of a value of Needed(k), of an open segment.
  DataType TypeBefore(size_t k, const std::string& value) const {
    return segments_[k].types.at(value);
  }
  // Needed(k) becomes Needed(k + 1). May be called from several threads.
  void Run(size_t k, LiveValues& live) const;

 private:
  struct Segment {
    size_t first = 0;
    std::unique_ptr<Session> session;       // null where nobody needs what it computes
    std::map<std::string, DataType> types;  // of what is needed
  };

  Model model_;
  std::string place_;
  bool integer_kernels_;
  std::vector<Segment> segments_;
  std::vector<std::set<std::string>> needed_;  // by segment, and behind the last
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SEGMENTED_MODEL_H_
