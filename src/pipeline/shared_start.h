// Models that begin alike: what they have in common runs once.
#ifndef QCONVERT_SRC_PIPELINE_SHARED_START_H_
#define QCONVERT_SRC_PIPELINE_SHARED_START_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "measure_opened.h"
#include "qconvert/dataset/sample_source.h"
#include "qconvert/ir/graph.h"

namespace qconvert {

// Values that lie between the nodes that have run and the others, by sample.
using Border = std::map<std::string, std::vector<Tensor>>;

class SharedStart {
 public:
  // Values on borders that are kept for models to come.
  static constexpr int64_t kKeptBytes = int64_t{64} << 20;

  // `base`: sorted, as the engine runs it. `samples`: none depends on what another one gave.
  // `place` names the models in errors.
  SharedStart(Model base, std::vector<Sample> samples, int workers, std::string place);

  // A session that runs `model`, as OpenForComparison opens it, on the samples and no others:
  //
  //   x --> nodes as in the base, run before --> border --> the other nodes --> y
  //
  // Bit for bit what the whole gives, but for what the engine rounds otherwise in other company.
  // Where the models begin otherwise, or cannot be cut, it runs all nodes. What is to be run before
  // runs at once; what comes back opens the session, of the same model, and threads may do so side
  // by side, as long as this lives.
  OpenCandidate Prepare(const Model& model);

  // Nodes of the base that stand in the front of `model` too.
  size_t CountCommon(const Model& model) const;

 private:
  // The nodes behind the border that reads these values of it.
  struct End {
    Model model;
    Border border;
    std::vector<std::string> read;
  };

  std::optional<End> CutEnd(const Model& model, size_t common);  // nothing where it cannot be
  const Border& Reach(size_t nodes);
  Border RunOn(size_t from, size_t to) const;
  std::map<std::string, size_t> ReadBehind(size_t nodes) const;
  void DropOthers(size_t nodes);

  const Model base_;
  const std::vector<Sample> samples_;
  const int workers_;
  const std::string place_;
  std::map<size_t, Border> borders_;  // by nodes that have run
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SHARED_START_H_
