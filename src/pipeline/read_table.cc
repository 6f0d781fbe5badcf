#include "read_table.h"

#include <fmt/format.h>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/sha256.h"
#include "qconvert/calibration/tensorrt_cache.h"
#include "qconvert/plan/body_plans.h"
#include "qconvert/runtime/ort_session.h"

namespace qconvert {
namespace {

// A table of the model prepared with other settings, input_shape say, may still have all values.
void CheckValues(const StoredTable& stored, const Graph& graph, const std::string& place) {
  // What it does not have of bodies stays float there.
  for (const std::string& value : FindQuantizable(graph)) {
    if (stored.table.values.contains(value)) continue;
    RefuseTable(place, value);
  }
}

// A cache of TensorRT knows neither its model nor its data: it is taken to be of this one.
StoredTable ReadStored(const std::string& place, const std::string& text,
                       const std::string& model_sha256, const PreparedModel& prepared) {
  if (!IsTensorRtCache(text)) return ParseTable(text, place);
  StoredTable stored;
  stored.model_sha256 = model_sha256;
  stored.data_sha256 = Sha256Hex(text);
  stored.graph_sha256 = prepared.fingerprint;
  stored.engine = EngineName();
  stored.table = ParseTensorRtCache(text, place);
  return stored;
}

}  // namespace

void RefuseTable(const std::string& place, const std::string& value) {
  throw Error(ExitCode::kData, place,
              fmt::format("has no value \"{}\", which the model has with these settings; "
                          "qconvert calibrate --config makes one that fits",
                          value));
}

std::optional<StoredTable> ReadTable(const ConvertOptions& options, const std::string& model_sha256,
                                     const PreparedModel& prepared,
                                     std::vector<std::string>& warnings) {
  if (options.table.empty() && options.seen == nullptr) return std::nullopt;
  const std::string place = options.table.string();
  StoredTable stored =
      options.seen != nullptr
          ? *options.seen
          : ReadStored(place, ReadFile(options.table, kMaxTableBytes), model_sha256, prepared);
  if (stored.model_sha256 != model_sha256)
    throw Error(ExitCode::kData, place,
                fmt::format("is of another model than {}; qconvert calibrate makes one of that",
                            options.model.string()));
  if (!stored.is_complete)
    throw Error(
        ExitCode::kData, place,
        "is a checkpoint of a run that did not end; the same qconvert calibrate goes on from it");
  if (!stored.shard.is_whole()) {
    throw Error(ExitCode::kData, place,
                fmt::format("is one of {} shards, expected all of them merged (qconvert merge)",
                            stored.shard.count));
  }
  if (stored.graph_sha256 != prepared.fingerprint) {
    // Mean and scale in the weights give the input another range under the same name.
    if (options.config.deployment.fold_normalization) {
      throw Error(ExitCode::kData, place,
                  "is not of the model with fold_normalization; qconvert calibrate --config makes "
                  "one that fits");
    }
    CheckValues(stored, prepared.model.graph, place);
  }
  const std::string engine = EngineName();
  if (stored.engine != engine) {
    warnings.push_back(
        fmt::format("{} was made with {}, this is {}: the samples may give other ranges", place,
                    stored.engine.empty() ? "an unknown engine" : stored.engine, engine));
  }
  const bool batched = !stored.table.batches.empty();
  const auto batch_size = static_cast<size_t>(options.config.calibration.batch_size);
  if (batched && batch_size != stored.table.batch_size) {
    throw Error(
        ExitCode::kData, place,
        fmt::format("has ranges of batches of {} samples, the settings say {}; qconvert calibrate "
                    "--config makes one that fits",
                    stored.table.batch_size, batch_size));
  }
  return stored;
}

}  // namespace qconvert
