// Models that differ in one stretch: what they have in common before it and behind it is shared.
#ifndef QCONVERT_SRC_PIPELINE_SHARED_REST_H_
#define QCONVERT_SRC_PIPELINE_SHARED_REST_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "measure_opened.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"
#include "segmented_model.h"

namespace qconvert {

class SharedRest {
 public:
  // Values on borders that are kept for models to come.
  static constexpr int64_t kKeptBytes = int64_t{64} << 20;

  // `base`: sorted, as the engine runs it. `samples`: none depends on what another one gave.
  // `place` names the models in errors; the rest as in SegmentedModel.
  SharedRest(Model base, std::vector<Sample> samples, int workers, std::string place,
             bool integer_kernels = true, int64_t least_bytes = SegmentedModel::kLeastBytes);

  // A session that runs `model`, as OpenForComparison opens it, on the samples and no others:
  //
  //   x --> nodes as in the base,  --> border --> nodes of the --> end of the base, --> y
  //         run before                            stretch          opened once
  //
  // Bit for bit what the whole gives, but for what the engine rounds otherwise in other company.
  // Where the models cannot be cut, it runs all nodes. What the base is needed for runs at once;
  // what comes back opens the session, of the same model, and threads may do so side by side, as
  // long as this lives.
  OpenCandidate Prepare(const Model& model);

  // The nodes of the base from the first to the last that `model` has otherwise, or not; [n, n)
  // where it has all n of them.
  std::pair<size_t, size_t> Changed(const Model& model) const;

 private:
  // What is left of a model between the border and a segment of the base.
  struct Stretch {
    Model model;
    Border border;
    size_t end = 0;  // segment
  };

  std::optional<Stretch> Cut(const Model& model);  // nothing where it cannot be
  size_t FindEnd(const Model& model, size_t changed_end) const;
  const Border& Reach(size_t nodes);
  Border RunOn(size_t from, size_t to) const;
  std::map<std::string, size_t> ReadBehind(size_t nodes) const;
  void DropOthers(size_t nodes);

  SegmentedModel base_;
  const std::vector<Sample> samples_;
  const int workers_;
  const std::string place_;
  std::map<size_t, Border> borders_;  // by nodes that have run
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SHARED_REST_H_
