#include "plan_conversion.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absorb_found.h"
#include "apply_settings.h"
#include "calibrate_model.h"
#include "check_data.h"
#include "compared_models.h"
#include "conversion_data.h"
#include "convert_data.h"
#include "find_channel_shifts.h"
#include "first_picture.h"
#include "fold_inputs.h"
#include "held_out.h"
#include "judged_data.h"
#include "kept_results.h"
#include "other_passes.h"
#include "plan_remarks.h"
#include "prepared_model.h"
#include "qconvert/base/error.h"
#include "qconvert/base/processor_info.h"
#include "qconvert/calibration/table_file.h"
#include "qconvert/plan/choose_scheme.h"
#include "qconvert/plan/expected_noise.h"
#include "qconvert/plan/is_learned.h"
#include "qconvert/plan/unseen_value.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/runtime/ort_session.h"
#include "qconvert/transform/random_nodes.h"
#include "read_table.h"
#include "same_nodes.h"
#include "take_in_held_out.h"
#include "take_plan.h"
#include "write_quantized.h"

namespace qconvert {
namespace {

bool TakesNothing(const QuantizationPlan& plan) {
  return plan.stored.empty() && plan.dynamic_nodes.empty() && plan.rounded.types.empty() &&
         !AnyInteger(plan.placement);
}

// Throws when the guard's verdict must stop the conversion.
void ReportChoice(const Graph& graph, const ChosenPlan& chosen, const ConvertOptions& options,
                  ConversionReport& report) {
  CountNodes(graph, chosen.plan.placement, report);
  report.scheme = SchemeName(chosen.scheme.scheme);
  report.scheme_reason = chosen.scheme.reason;
  report.dynamic_nodes = chosen.plan.dynamic_nodes.size();
  if (TakesNothing(chosen.plan) && IsQuantizedAlready(graph))
    report.scheme_reason = kQuantizedAlready;
  // Placed as float, computed on integers all the same.
  report.float_nodes -= report.dynamic_nodes;
  report.guard = chosen.guard;
  report.noise_parts = chosen.noise_parts;
  report.corrections = chosen.corrections;
  report.warnings.insert(report.warnings.end(), chosen.warnings.begin(), chosen.warnings.end());
  report.outputs = chosen.outputs;
  if (const auto& kept = chosen.plan.rounded.too_large; !kept.empty()) {
    report.warnings.push_back(
        fmt::format("stay float32, too large or small for 16-bit floats, in front of a logarithm, "
                    "or not calibrated: {}",
                    EscapeForTerminal(fmt::format("{}", fmt::join(kept, ", ")))));
  }
  if (!chosen.guard.passed) {
    report.warnings.push_back(
        WhatFailed(report, EqualizeOptionOf(options.config, options.effective_config, graph)));
  }
  if (options.must_pass) RefuseFailed(options, report);
}

// What calibration sees; nothing where nothing can be quantized.
CalibrationTable SeeValues(const ConvertOptions& options, const PreparedModel& prepared,
                           const SchemeChoice& choice, const InputFeeder& samples,
                           const std::vector<size_t>& by_content) {
  const Graph& graph = prepared.model.graph;
  std::vector<Placement> reachable = {PlaceNodes(graph, choice.place)};
  if (options.guard == GuardMode::kCorrect) {
    // What the guard puts back to float it looks for among all nodes with kernels.
    PlaceOptions by_kernels = choice.place;
    by_kernels.place_by = PlaceBy::kKernels;
    reachable.push_back(PlaceNodes(graph, by_kernels));
  }
  const bool nothing = std::all_of(reachable.begin(), reachable.end(), [](const auto& placement) {
    return placement.roots.empty() && !AnyInteger(placement);
  });
  if (nothing && FindFloat16Values(graph, prepared.settings).empty()) return {};
  const CalibrationData data = DataOf(options);
  return CalibrateModel(prepared.model, reachable, prepared.settings, samples, by_content,
                        {.workers = WorkerCount(data),
                         .memory_limit = MemoryLimit(data),
                         .progress = options.progress},
                        options.model.string(), options.cache.get());
}

bool IsCorrected(const ChosenPlan& chosen) {
  return std::any_of(chosen.corrections.begin(), chosen.corrections.end(),
                     [](const CorrectionReport& one) { return one.kept; });
}

size_t CountSamples(const ConvertOptions& options, const std::optional<StoredTable>& stored,
                    const ConversionData& data) {
  if (options.plan != nullptr) return static_cast<size_t>(options.plan->samples);
  return stored ? stored->table.samples : data.calibration.size();
}

// Odd samples into the report. The PNG of the first one, if it is asked for.
std::string CheckSamplesOf(const ConvertOptions& options, const PreparedModel& prepared,
                           const FoldedInputs& folded, const ConversionData& data,
                           ConversionReport& report) {
  if (IsRandom(DataOf(options))) {
    report.warnings.push_back(
        "ranges are those of random data, for structure and speed only: no --calib, and the "
        "settings have no cal_data_dir or calibration_type skip");
  }
  const std::vector<Value>& inputs = prepared.model.graph.inputs;
  const DataToCheck to_check{options.config, inputs,         data.samples,  data.feeder,
                             data.digest,    prepared.first, options.model, folded};
  for (std::string& oddity : CheckData(to_check, options.strict_data))
    report.warnings.push_back(std::move(oddity));
  return options.first_picture.empty() ? ""
                                       : FirstPicture(data.samples, inputs, options.config, folded);
}

SchemeChoice SchemeOf(const ConvertOptions& options, const PreparedModel& prepared,
                      const std::optional<StoredTable>& stored, const ConversionData& data) {
  const Model& model = prepared.model;
  ValueSizes sizes;
  if (stored) {
    sizes = stored->sizes;
  } else if (data.samples.size() > 0) {
    sizes = MeasureSizes(model, data.feeder, data.digest.by_content.at(0), options.model.string());
  }
  return ChooseScheme(model.graph, std::move(sizes), prepared.settings,
                      options.costs ? &*options.costs : nullptr);
}

// By the plan that is applied, or else by samples. Tables are of the model without.
ChannelShifts ShiftsOf(const ConvertOptions& options, const PreparedModel& prepared,
                       const std::optional<StoredTable>& stored, const ConversionData& data,
                       Scheme scheme) {
  if (options.plan != nullptr) return SpreadOf(*options.plan);
  const QuantConfig& config = options.config;
  const Target& target = TargetOf(config.target_device);
  const bool evens = config.equalization == Correction::kOn && EvensProducts(config);
  const bool may = config.scheme == Scheme::kAuto && config.effort != Effort::kFast &&
                   config.layers.empty() && target.suits_engine;
  // Stored weights alone only get worse by it.
  if (!(may || evens) || stored || scheme == Scheme::kWeightOnly) return {};
  return FindChannelShifts(prepared.model, data.observed, data.split.by_content,
                           evens ? nullptr : &target, options.model.string());
}

struct Spread {
  ChannelShifts shifts;
  SchemeChoice choice;  // of the model with them; nothing where a plan is applied
};

// Channels that stick out go into the weights.
Spread SpreadAndChoose(const ConvertOptions& options, PreparedModel& prepared,
                       const std::optional<StoredTable>& stored, const ConversionData& data) {
  const bool is_open = options.plan == nullptr;
  Spread out;
  if (is_open) out.choice = SchemeOf(options, prepared, stored, data);
  out.shifts = ShiftsOf(options, prepared, stored, data, out.choice.scheme);
  size_t changed = 0;
  if (!out.shifts.empty()) {
    PassRunner runner =
        RunnerOfOthers("values", options.passes, options.model.string(), prepared.model);
    changed = runner.Run("spread_channels", [&] {
      return SpreadChannels(prepared.model.graph, out.shifts,
                            is_open ? options.model.string() : options.plan->file.string());
    });
  }
  if (is_open && changed > 0) out.choice = SchemeOf(options, prepared, stored, data);
  return out;
}

// Given or seen; of a plan that is applied nothing.
CalibrationTable TableOf(const ConvertOptions& options, const PreparedModel& prepared,
                         const SchemeChoice& choice, const std::optional<StoredTable>& stored,
                         const ConversionData& data, Stopwatch& watch) {
  if (options.plan != nullptr) return {};
  CalibrationTable table =
      stored ? stored->table
             : SeeValues(options, prepared, choice, data.observed, data.split.by_content);
  watch.Lap("calibrate");
  return table;
}

// Of what both models compute, where a cache asks for it.
std::string HashOfModels(const ConvertOptions& options, const Model& original,
                         const Model& prepared) {
  if (options.cache == nullptr) return "";
  return KeyOf({HashOf(original), HashOf(prepared), options.guard == GuardMode::kOff ? "o" : "",
                std::string(TargetOf(options.config.target_device).name)});
}

ModelComparer CompareOn(const JudgedData& judged, const InputFeeder& feeder,
                        const ConvertOptions& options, const Graph& graph, Model original,
                        const ConversionReport& report, int workers) {
  return OpenComparer(std::move(original), graph, feeder, judged.order,
                      {.place = options.model.string(),
                       .outputs_only = options.guard == GuardMode::kOff,  // only the file will run
                       .is_random = !report.random_nodes.empty(),
                       .is_fitted = !judged.why_fitted.empty(),
                       .workers = workers,
                       .integer_kernels = TargetOf(options.config.target_device).suits_engine});
}

// What plans are made from and measured with.
struct PlanMaking {
  const PreparedModel& prepared;
  const ConversionData& data;
  ModelComparer& comparer;
  std::string reference_hash;
  bool is_as_it_came;
  CodeCache codes{data.workers};
  FloatCache floats{data.workers};

  // `ranges`: of this table.
  PlanInputs InputsOf(const ConvertOptions& options, const CalibrationTable& table,
                      RangeCache& ranges) {
    return {.model = prepared.model,
            .table = table,
            .comparer = comparer,
            .ranges = ranges,
            .codes = codes,
            .floats = floats,
            .calibration = data.observed,
            .by_content = data.split.by_content,
            .moments = prepared.moments,
            .settings = prepared.settings,
            .gate = options.gate,
            .aim_sqnr_db = options.aim_sqnr_db,
            .keep_plain = options.looks_at_layers() || !options.writes_model,
            .place = options.model.string(),
            .cache = options.cache.get(),
            .is_as_it_came = is_as_it_came,
            .reference_hash = reference_hash,
            .on_measurement = options.measuring,
            .on_learning = options.learning};
  }
};

ChosenPlan ChooseOrTake(const ConvertOptions& options, SchemeChoice choice,
                        const CalibrationTable& table, PlanMaking& making) {
  RangeCache ranges;
  PlanInputs inputs = making.InputsOf(options, table, ranges);
  const GuardMode mode = making.comparer.count() == 0 ? GuardMode::kOff : options.guard;
  return options.plan != nullptr ? TakePlan(inputs, *options.plan, mode)
                                 : ChoosePlan(std::move(inputs), std::move(choice), mode);
}

// The table of all samples, where they are few and all calibrate what `chosen` becomes. `stored`:
// the ranges of other samples stay.
std::optional<CalibrationTable> WidenToAll(const ConvertOptions& options,
                                           const std::optional<StoredTable>& stored,
                                           PlanMaking& making, ChosenPlan& chosen) {
  const ConversionData& data = making.data;
  const bool is_of_others = stored && stored->data_sha256 != data.digest.sha256;
  if (!data.split.is_held_out || is_of_others || options.plan != nullptr ||
      DifferentFrom(data.digest, {}).size() >= kFewestForJudgingAlone)
    return {};
  CalibrationTable table =
      SeeValues(options, making.prepared, chosen.scheme, data.feeder, data.digest.by_content);
  RangeCache ranges;
  if (!TakeInHeldOut(making.InputsOf(options, table, ranges), chosen)) return {};
  return table;
}

// With caches that go when the plan is there: what comes behind makes floats of its own.
std::optional<CalibrationTable> ChooseAndWiden(const ConvertOptions& options, SchemeChoice choice,
                                               const CalibrationTable& table,
                                               const std::optional<StoredTable>& stored,
                                               PlanMaking making, ChosenPlan& chosen) {
  try {
    chosen = ChooseOrTake(options, std::move(choice), table, making);
    return WidenToAll(options, stored, making, chosen);
  } catch (const UnseenValue& e) {
    if (options.table.empty()) throw;
    RefuseTable(options.table.string(), e.value());
  }
}

}  // namespace

LayerInputs PlannedConversion::LayersOf(const ConvertOptions& options) const {
  const std::string place = options.model.string();
  const QuantizationPlan& plan = chosen.plain ? *chosen.plain : chosen.plan;
  LayerInputs inputs{.exact = model,
                     .plan = plan,
                     .comparer = comparer,
                     .feeder = feeder,
                     .order = order,
                     .sizes = chosen.scheme.place.sizes,
                     .costs = chosen.scheme.place.costs,
                     .suspicion = ExpectedNodeNoise(model.graph, plan, table),
                     .place = place,
                     .workers = workers,
                     .memory_limit = MemoryLimit(DataOf(options))};
  if (inputs.sizes.empty() && comparer.count() > 0)
    inputs.sizes = MeasureSizes(model, feeder, order.at(0), place);
  if (options.measuring_layers) {
    const size_t alone =
        std::min(model.graph.nodes.size(), AffordedRuns(MultiplyAddsOfRun(inputs, 1), kMostAlone));
    // Whoever measures has a copy of it: all count together.
    inputs.on_run = [tell = options.measuring_layers, done = std::make_shared<size_t>(0),
                     most = alone + kMostWithout + 1] { tell(++*done, std::max(*done, most)); };
  }
  return inputs;
}

void PlanConversion(const ConvertOptions& options, LoadedModel loaded, Stopwatch& watch,
                    ConversionReport& report, const PlanUser& use) {
  const std::string place = options.model.string();
  if (options.cache) options.cache->Open();
  SettingProblems problems;
  std::optional<Model> as_it_came;
  // A copy shares the weights' bytes; passes replace tensors, they never write into them.
  const FoldedInputs folded =
      CutAndFold({options.config.deployment, options.effective_config, place}, loaded.model,
                 problems, options.passes, options.write_stages ? &as_it_came : nullptr);
  std::optional<Model> original = loaded.model;  // shares its bytes with `model`
  PreparedModel prepared = PrepareWithSettings(
      std::move(loaded.model), {options.config, options.effective_config, options.config_file},
      place, options.passes, std::move(problems));
  Model& model = prepared.model;
  report.warnings.insert(report.warnings.end(), prepared.warnings.begin(), prepared.warnings.end());
  const std::optional<StoredTable> stored =
      ReadTable(options, loaded.sha256, prepared, report.warnings);
  const ConversionData data(options, model.graph, folded);
  report.samples = CountSamples(options, stored, data);
  const std::string picture = CheckSamplesOf(options, prepared, folded, data, report);
  const AbsorbedBiases absorbed = AbsorbFound(options, data.observed, data.split.by_content,
                                              stored.has_value(), prepared, report.warnings);
  Spread spread = SpreadAndChoose(options, prepared, stored, data);
  watch.Lap("prepare");
  const CalibrationTable table = TableOf(options, prepared, spread.choice, stored, data, watch);
  const JudgedData judged = OpenJudged(options, model.graph, folded, data.feeder, data.samples,
                                       data.digest, data.split, report.warnings);
  const InputFeeder judged_feeder(judged.samples, model.graph.inputs, options.states);
  report.random_nodes = FindRandomNodes(model.graph);
  const std::string models = HashOfModels(options, *original, model);
  const bool is_as_it_came = ComputeTheSame(*original, model);
  ModelComparer comparer = CompareOn(judged, judged_feeder, options, model.graph,
                                     *std::exchange(original, std::nullopt), report, data.workers);
  ChosenPlan chosen;
  const auto of_all = ChooseAndWiden(
      options, std::move(spread.choice), table, stored,
      {prepared, data, comparer, HashOfReference(models, comparer), is_as_it_came}, chosen);
  if (options.cache) options.cache->TellUse();
  watch.Lap("choose");
  report.gate = options.gate;
  report.compared_on = of_all ? kUntilChosen : DescribeJudged(judged, IsCorrected(chosen));
  report.told_before = of_all.has_value();
  if (of_all) report.samples = data.samples.size();
  report.sample_names = comparer.sample_names();
  ReportChoice(model.graph, chosen, options, report);
  use({.model = model,
       .original = as_it_came ? &*as_it_came : nullptr,
       .stores_float16 = prepared.stores_float16,
       .chosen = chosen,
       .table = of_all ? *of_all : table,
       .comparer = comparer,
       .feeder = judged_feeder,
       .order = judged.order,
       .files = loaded.files,
       .samples = data.samples,
       .folded = folded,
       .picture = picture,
       .calibration = data.observed,
       .by_content = data.split.by_content,
       .absorbed = absorbed,
       .spread = spread.shifts,
       .equalized = prepared.equalized,
       .provenance = {ToolName(), EngineName(), loaded.sha256, options.config_sha256,
                      stored ? stored->data_sha256 : data.digest.sha256,
                      IsLearned(chosen.plan) ? ThisProcessor().Kind() : ""},
       .workers = data.workers});
}

}  // namespace qconvert
