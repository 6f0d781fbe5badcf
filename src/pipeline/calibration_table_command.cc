#include "qconvert/pipeline/calibration_table_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "calibrate_model.h"
#include "calibration_data.h"
#include "check_data.h"
#include "fold_inputs.h"
#include "held_out.h"
#include "load_float.h"
#include "prepared_model.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/log.h"
#include "qconvert/base/refuse_overwriting.h"
#include "qconvert/base/signals.h"
#include "qconvert/calibration/diagnose.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "qconvert/pipeline/prepare_model.h"
#include "qconvert/plan/plan.h"
#include "qconvert/plan/value_range.h"

namespace qconvert {
namespace {

void Write(const StoredTable& stored, const std::filesystem::path& output) {
  WriteFile(output, FormatTable(stored));
}

// What a value was asked about batches, as far as one value tells.
std::vector<std::string> FirstQuestions(const CalibrationTable& table) {
  std::vector<std::string> keys;
  if (table.batches.empty()) return keys;
  for (const auto& [key, ranges] : table.batches.begin()->second) keys.push_back(key);
  return keys;
}

// Takes over what an interrupted run of the same version, model, data, shard and questions has
// seen. Anything else at its place is left alone and will be replaced.
void Resume(const std::filesystem::path& checkpoint, const CalibrationOptions& run,
            StoredTable& stored) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(checkpoint, error)) return;
  try {
    StoredTable seen = ParseTable(ReadFile(checkpoint, kMaxTableBytes), checkpoint.string());
    std::vector<std::string> keys;
    if (!run.requests.empty()) {
      for (const BatchQuestion& question : run.requests[0].batches) keys.push_back(question.key);
    }
    // A table holds its questions in this order.
    std::sort(keys.begin(), keys.end());
    // Of half a batch the range is another: only whole ones go on.
    if (seen.tool != stored.tool || seen.engine != stored.engine ||
        seen.graph_sha256 != stored.graph_sha256 || seen.model_sha256 != stored.model_sha256 ||
        seen.data_sha256 != stored.data_sha256 || !(seen.shard == stored.shard) ||
        seen.sizes != stored.sizes || seen.is_complete || seen.table.batch_size != run.batch_size ||
        FirstQuestions(seen.table) != keys || seen.table.samples % run.batch_size != 0) {
      return;
    }
    LogInfo(fmt::format("goes on after {} samples of {}", seen.table.samples,
                        EscapeForTerminal(checkpoint.string())));
    stored.table = std::move(seen.table);
  } catch (const Error& e) {
    LogWarning(fmt::format("{}, starts anew", e.what()));
  }
}

// Goes on from a checkpoint, in chunks of batches, each about as long as a checkpoint's interval,
// until the shard is done.
void CalibrateInChunks(const Session& session, const InputFeeder& feeder,
                       const std::vector<std::string>& values, const CalibrateOptions& options,
                       CalibrationOptions run, StoredTable& stored) {
  const std::filesystem::path checkpoint = CheckpointPath(options.output);
  const size_t total = ShardBatches(feeder.size(), run.batch_size, run.shard);
  const bool in_chunks = !feeder.has_feedback() && !options.output.empty();
  if (in_chunks) Resume(checkpoint, run, stored);
  // The first chunk keeps all workers busy and no more: nobody knows yet how long a sample takes.
  run.batches = in_chunks ? static_cast<size_t>(run.workers) : total;
  run.first_batch = BatchCount(stored.table.samples, run.batch_size);
  // A shard that gets no sample has a table all the same, of nothing seen.
  while (run.first_batch < total || stored.table.values.empty()) {
    const auto start = std::chrono::steady_clock::now();
    AddTable(Calibrate(session, feeder, values, run), stored.table);
    run.first_batch += run.batches;
    if (run.first_batch >= total) break;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (seconds.count() >= options.checkpoint_seconds / 2) {
      // So that nobody takes a checkpoint for a table.
      stored.is_complete = false;
      Write(stored, checkpoint);
      // They were held while it was written.
      ReleaseSignals();
      stored.is_complete = true;
    } else {
      run.batches *= 2;
    }
  }
}

// The section of all configs, which must agree: there is one pass.
CalibrationSettings CommonSettings(const std::vector<ModelConfig>& configs) {
  if (configs.empty()) return {};
  for (const ModelConfig& one : configs) {
    const DeploymentConfig& deployment = one.config.deployment;
    const DeploymentConfig& first = configs[0].config.deployment;
    if (one.config.calibration == configs[0].config.calibration &&
        deployment.inputs == first.inputs && deployment.output_nodes == first.output_nodes &&
        deployment.fold_normalization == first.fold_normalization &&
        deployment.calibration_domain == first.calibration_domain) {
      continue;
    }
    throw Error(
        ExitCode::kConfig, "",
        "several configs of one pass need the same calibration section, inputs, outputs and "
        "batch size");
  }
  return configs[0].config.calibration;
}

DeploymentConfig DeploymentOf(const std::vector<ModelConfig>& configs) {
  return configs.empty() ? DeploymentConfig{} : configs[0].config.deployment;
}

ConfigNode EffectiveOf(const std::vector<ModelConfig>& configs) {
  return configs.empty() ? ConfigNode{} : configs[0].effective;
}

// The model as all configs prepare it; without any, as their defaults do.
PreparedModel PrepareForAll(const Model& model, const std::vector<ModelConfig>& configs,
                            const std::string& place, SettingProblems problems) {
  if (configs.empty()) return PrepareWithSettings(model, {}, place);
  PreparedModel prepared = PrepareWithSettings(model, configs[0], place, {}, std::move(problems));
  for (size_t c = 1; c < configs.size(); ++c) {
    if (PrepareWithSettings(model, configs[c], place).fingerprint == prepared.fingerprint) continue;
    throw Error(ExitCode::kConfig, configs[c].file.string(),
                fmt::format("makes another graph of the model than {}, by input shapes or "
                            "onnx_opset_version; one pass cannot calibrate both",
                            configs[0].file.string()));
  }
  return prepared;
}

// Each question once.
std::vector<BatchQuestion> QuestionsOf(const std::vector<ModelConfig>& configs) {
  std::map<std::string, BatchQuestion> by_key;
  for (const ModelConfig& one : configs) {
    for (BatchQuestion& question : BatchQuestionsOf(one.config))
      by_key.try_emplace(question.key, std::move(question));
  }
  std::vector<BatchQuestion> out;
  for (auto& [key, question] : by_key) out.push_back(std::move(question));
  return out;
}

std::vector<std::filesystem::path> OutputsOf(const CalibrateOptions& options) {
  std::vector<std::filesystem::path> outputs = options.other_outputs;
  if (!options.output.empty())
    outputs.insert(outputs.end(), {options.output, CheckpointPath(options.output)});
  return outputs;
}

}  // namespace

StoredTable MakeCalibrationTable(const CalibrateOptions& options) {
  const std::string place = options.model.string();
  CalibrationData data{
      .folder = options.calibration_folder,
      .states = options.states,
      .max_samples = options.max_samples,
      .stacked = options.stacked,
      .workers = options.workers,
      .memory_limit = options.memory_limit,
      .settings = CommonSettings(options.configs),
      .effective = options.configs.empty() ? nullptr : &options.configs[0].effective,
      .deployment = DeploymentOf(options.configs)};
  std::vector<std::string> oddities;
  LoadedModel loaded = LoadFloat(options.model, options.strip, oddities);
  SettingProblems problems;
  data.folded =
      CutAndFold({data.deployment, EffectiveOf(options.configs), place}, loaded.model, problems);
  const std::vector<std::filesystem::path> outputs = OutputsOf(options);
  RefuseOverwriting(outputs, loaded.files);
  RefuseOverwriting(outputs, options.config_files);
  const PreparedModel prepared =
      PrepareForAll(loaded.model, options.configs, place, std::move(problems));
  const Model& model = prepared.model;
  const SampleSource samples = OpenCalibrationData(data, model.graph, place);
  RefuseOverwriting(outputs, samples.files());
  const InputFeeder feeder(samples, model.graph.inputs, options.states);
  if (!options.shard.is_whole() && feeder.has_feedback())
    throw Error(ExitCode::kUsage, "", "--shard: the model feeds states from sample to sample");
  const std::vector<std::string> values = CalibratedValues(model.graph);
  const DataDigest digest = samples.Digest(WorkerCount(data));
  QuantConfig config;
  config.calibration = data.settings;
  config.deployment = data.deployment;
  const DataToCheck to_check{config, model.graph.inputs, samples,       feeder,
                             digest, prepared.first,     options.model, data.folded};
  for (const std::string& oddity : CheckData(to_check, options.strict_data))
    LogWarning(EscapeForTerminal(oddity));
  const SampleSource calibration =
      samples.Select(SplitSamples(digest, feeder.has_feedback()).calibration);
  const InputFeeder observed(calibration, model.graph.inputs, options.states);
  StoredTable stored{.model_sha256 = loaded.sha256,
                     .data_sha256 = digest.sha256,
                     .shard = options.shard,
                     // Of the first by content: names and order of files do not matter.
                     .sizes = MeasureSizes(model, feeder, digest.by_content.at(0), place),
                     .tool = ToolName(),
                     .engine = EngineName(),
                     .graph_sha256 = prepared.fingerprint};
  CalibrationOptions run{.workers = WorkerCount(data),
                         .shard = options.shard,
                         .memory_limit = MemoryLimit(data),
                         .progress = options.progress};
  const std::vector<BatchQuestion> questions = QuestionsOf(options.configs);
  run.requests.assign(values.size(), {.batches = questions});
  if (!questions.empty()) run.batch_size = static_cast<size_t>(data.settings.batch_size);
  CalibrateInChunks(*OpenObserved(model, values, place), observed, values, options, std::move(run),
                    stored);
  return stored;
}

CalibrateReport WriteCalibrationTable(const CalibrateOptions& options) {
  CheckWritable(options.output);
  return WriteTable(MakeCalibrationTable(options), options.output);
}

CalibrateReport WriteTable(const StoredTable& table, const std::filesystem::path& output) {
  Write(table, output);
  std::error_code ignored;
  // A short run has none.
  std::filesystem::remove(CheckpointPath(output), ignored);
  std::vector<std::string> values;
  for (const auto& [name, statistics] : table.table.values) values.push_back(name);
  return {table.table.samples, values.size(), Diagnose(table.table, values)};
}

std::filesystem::path CheckpointPath(const std::filesystem::path& table) {
  std::filesystem::path path = table;
  return path += ".checkpoint";
}

CalibrateReport MergeCalibrationTables(const std::vector<std::filesystem::path>& shards,
                                       const std::filesystem::path& output,
                                       const std::vector<std::filesystem::path>& other_outputs) {
  CheckWritable(output);
  std::vector<std::filesystem::path> outputs = other_outputs;
  outputs.push_back(output);
  RefuseOverwriting(outputs, shards);
  std::vector<StoredTable> tables;
  std::vector<std::string> places;
  for (const auto& shard : shards) {
    places.push_back(shard.string());
    tables.push_back(ParseTable(ReadFile(shard, kMaxTableBytes), places.back()));
  }
  return WriteTable(MergeTables(tables, places), output);
}

}  // namespace qconvert
