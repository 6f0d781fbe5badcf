// Runs float passes one after the other: checked, timed, and shown on demand.
#ifndef QCONVERT_PIPELINE_PASS_RUNNER_H_
#define QCONVERT_PIPELINE_PASS_RUNNER_H_

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "qconvert/ir/graph.h"

namespace qconvert {

struct PassOptions {
  // Where to write the graph around each pass that changes it: 03_fold_pad_into_conv.before.txt and
  // .after.txt, in the language of graph_printer.h. Empty: nowhere. Made when it is missing.
  std::filesystem::path dump_folder;
  std::string stop_after;  // passes behind this one are left out; empty: none
};

class PassRunner {
 public:
  // `place` names the model in messages.
  PassRunner(Model& model, std::string place, PassOptions options);

  // Runs `pass`, which returns how much it changed, and validates a changed model; does nothing
  // behind `stop_after`. With --verbose it says how much and how long. Throws what `pass` does, and
  // Error(kFile) when a dump cannot be written. Returns how much was changed.
  size_t Run(std::string_view name, const std::function<size_t()>& pass);

  // Of all passes so far.
  size_t changes() const { return changes_; }

  // Throws Error(kUsage) with the nearest name when no pass was called `stop_after`.
  void CheckStopped() const;

 private:
  void Dump(std::string_view name, const char* when, const std::string& text) const;

  Model& model_;
  std::string place_;
  PassOptions options_;
  std::vector<std::string> names_;
  size_t runs_ = 0;
  size_t changes_ = 0;
  bool stopped_ = false;
};

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_PASS_RUNNER_H_
