// Passes that stand before and behind those of PrepareModel.
#ifndef QCONVERT_SRC_PIPELINE_OTHER_PASSES_H_
#define QCONVERT_SRC_PIPELINE_OTHER_PASSES_H_

#include <string>

#include "qconvert/pipeline/pass_runner.h"

namespace qconvert {

// Runs the passes of `phase`. With --dump-passes what they change is shown in a folder of that name
// among those of PrepareModel; --stop-after names none of them.
inline PassRunner RunnerOfOthers(const char* phase, const PassOptions& passes,
                                 const std::string& place, Model& model) {
  PassOptions own;
  if (!passes.dump_folder.empty()) own.dump_folder = passes.dump_folder / phase;
  return {model, place, own};
}

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_OTHER_PASSES_H_
