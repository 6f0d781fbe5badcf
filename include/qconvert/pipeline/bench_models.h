// Times models against each other.
#ifndef QCONVERT_PIPELINE_BENCH_MODELS_H_
#define QCONVERT_PIPELINE_BENCH_MODELS_H_

#include <filesystem>
#include <functional>
#include <vector>

#include "qconvert/pipeline/sample_data.h"
#include "qconvert/report/bench_report.h"

namespace qconvert {

struct BenchModelsOptions {
  std::vector<std::filesystem::path> models;  // the first is what the others are measured by
  SampleData data;                            // no folder: random samples, free dimensions 1
  int threads = 1;                            // of the engine, inside operators
  int rounds = 0;  // 0: as many as fit into `seconds`, from kFewestRounds to kMostRounds
  double seconds = 10;
  bool profile = true;                         // times of operators, in sessions of their own
  std::vector<std::filesystem::path> outputs;  // that the caller writes, for overwrite checks
  std::function<void(size_t done, size_t total)> progress;
};

inline constexpr int kFewestRounds = 11;
inline constexpr int kMostRounds = 10'000;

// In every round each model runs once on the same of a few samples, which are read before; which
// model is first changes from round to round, and some rounds before the first warm up. What is
// timed is Session::Run: the engine, and a copy of the outputs. Throws what loading, sampling and
// running throw.
BenchReport BenchModels(const BenchModelsOptions& options);

}  // namespace qconvert

#endif  // QCONVERT_PIPELINE_BENCH_MODELS_H_
