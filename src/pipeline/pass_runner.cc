#include "qconvert/pipeline/pass_runner.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/folders.h"
#include "qconvert/base/log.h"
#include "qconvert/base/suggest.h"
#include "qconvert/ir/graph_printer.h"
#include "qconvert/ir/graph_validator.h"

namespace qconvert {

PassRunner::PassRunner(Model& model, std::string place, PassOptions options)
    : model_(model), place_(std::move(place)), options_(std::move(options)) {
  if (options_.dump_folder.empty()) return;
  MakeFolder(options_.dump_folder);
}

size_t PassRunner::Run(std::string_view name, const std::function<size_t()>& pass) {
  // Also of passes that no longer run: CheckStopped looks for the nearest.
  names_.emplace_back(name);
  if (stopped_) return 0;
  const bool dump = !options_.dump_folder.empty();
  const std::string before = dump ? PrintGraph(model_.graph) : "";
  const auto start = std::chrono::steady_clock::now();
  const size_t changed = pass();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  // Most passes find nothing, and looking at all nodes takes as long as they do.
  if (changed > 0) {
    ValidateModel(model_, place_);
    LogDebug(fmt::format("{}: {} in {:.3f} s", name, changed, seconds.count()));
  }
  const std::string after = dump ? PrintGraph(model_.graph) : "";
  if (before != after) {
    Dump(name, "before", before);
    Dump(name, "after", after);
  }
  ++runs_;
  changes_ += changed;
  stopped_ = name == options_.stop_after;
  return changed;
}

void PassRunner::Dump(std::string_view name, const char* when, const std::string& text) const {
  WriteFile(options_.dump_folder / fmt::format("{:02}_{}.{}.txt", runs_, name, when), text);
}

void PassRunner::CheckStopped() const {
  if (options_.stop_after.empty() || stopped_) return;
  throw Error(ExitCode::kUsage, "",
              fmt::format("--stop-after: no pass is called \"{}\"{}", options_.stop_after,
                          DidYouMean(options_.stop_after, names_)));
}

}  // namespace qconvert
