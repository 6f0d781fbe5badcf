#include "qconvert/pipeline/debug_model.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "choose_float_corrections.h"
#include "find_guilty.h"
#include "layer_files.h"
#include "load_float.h"
#include "look_at_layers.h"
#include "measure_parts.h"
#include "output_files.h"
#include "own_noise.h"
#include "qconvert/base/error.h"
#include "qconvert/base/file.h"

namespace qconvert {
namespace {

// Places of nodes that were measured alone, the worst first.
std::vector<size_t> WorstNodes(const std::vector<SwitchedNode>& nodes, const LayerErrors& errors) {
  std::vector<size_t> order;
  const auto alone = [&](size_t k) { return errors.nodes[nodes[k].node].alone.value_or(-1); };
  for (size_t k = 0; k < nodes.size(); ++k)
    // Of the others nothing is known: there were too many nodes.
    if (alone(k) >= 0) order.push_back(k);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return alone(a) > alone(b); });
  return order;
}

GuiltyNodes FindGuiltyNodes(const DebugOptions& options, int budget, const LayerInputs& inputs,
                            LayerErrors& errors) {
  const SwitchedModel switched = SwitchPlan(inputs, inputs.plan);
  const std::vector<SwitchedNode> nodes = NodesOfSwitches(switched, inputs.plan);
  SwitchMeter meter(switched, inputs.comparer, inputs.place, inputs.comparer.Spread(errors.samples),
                    inputs.on_run);
  const std::set<size_t> all = AllSwitches(switched);
  const double sqnr_db = options.target_sqnr_db.value_or(
      std::max(SqnrOfNoise(errors.whole) + kMoreSqnrDb, options.convert.gate.min_sqnr_db));
  GuiltyNodes guilty;
  guilty.target = NoiseOfSqnr(sqnr_db);
  const GuiltySet found = FindGuilty({.items = WorstNodes(nodes, errors),
                                      .noise =
                                          [&](const std::set<size_t>& without) {
                                            std::set<size_t> on = all;
                                            for (const size_t k : without)
                                              for (const size_t s : nodes[k].numbers) on.erase(s);
                                            return meter.Noise(on);
                                          },
                                      .target = guilty.target,
                                      .budget = budget});
  for (const size_t k : found.items) guilty.rows.push_back(nodes[k].node);
  guilty.before = found.before;
  guilty.after = found.after;
  guilty.any_fewer = found.any_fewer;
  guilty.reached = found.reached;
  guilty.is_minimal = found.is_minimal;
  guilty.measurements = found.measurements;
  errors.runs += meter.runs();
  return guilty;
}

LayerReport Look(const DebugOptions& options, const PlannedConversion& planned) {
  if (planned.comparer.count() == 0) {
    throw Error(ExitCode::kUsage, options.convert.model.string(),
                "no samples to measure on, expected --calib DIR");
  }
  size_t done = 0;
  LayerInputs inputs = planned.LayersOf(options.convert);
  inputs.samples = options.samples;
  const double run = MultiplyAddsOfRun(inputs, std::max(options.samples, size_t{1}));
  const size_t sets =
      options.budget > 0 ? static_cast<size_t>(options.budget) : AffordedRuns(run, kMostSets);
  // Nodes alone, with their weights and with their values alone; a few left out; guilty sets.
  const size_t at_most =
      3 * std::min(inputs.exact.graph.nodes.size(), AffordedRuns(run, kMostAlone)) + kMostWithout +
      4 + sets;
  inputs.on_run = [&] {
    if (options.progress) options.progress(std::min(++done, at_most), at_most);
  };
  LayerErrors errors = MeasureLayers(inputs);
  std::optional<GuiltyNodes> guilty;
  if (errors.samples > 0) {
    MeasureParts(inputs, errors);
    guilty = FindGuiltyNodes(options, static_cast<int>(sets), inputs, errors);
  }
  SetOwnNoise(
      MeasureOwnNoise(inputs.exact, inputs.plan, inputs.comparer, inputs.place, inputs.workers),
      errors);
  if (options.progress) options.progress(at_most, at_most);
  LayerReport layers = LookAtLayers(options.convert, inputs, planned.table, std::move(errors));
  layers.guilty = std::move(guilty);
  return layers;
}

}  // namespace

DebugReport DebugModel(const DebugOptions& given) {
  DebugOptions options = given;
  options.convert.guard = GuardMode::kReport;
  options.convert.must_pass = false;
  // They fit nodes to the errors before them: with any of those left float they would be others.
  options.convert.config.bias_correction = Correction::kOff;
  options.convert.config.second_order_rounding = Correction::kOff;
  options.convert.writes_model = false;
  const ConvertOptions& convert = options.convert;
  DebugReport report;
  report.conversion.input = convert.model.string();
  Stopwatch watch(report.conversion);
  LoadedModel loaded = LoadFloat(convert.model, convert.strip, report.conversion.warnings);
  CheckOutputs(convert, loaded.files);
  report.conversion.float_bytes = loaded.file_bytes;
  PlanWithFloatCorrections(convert, std::move(loaded), watch, report.conversion,
                           [&](const ConvertOptions& /*chosen*/, const PlannedConversion& planned) {
                             report.layers = Look(options, planned);
                             report.conversion.compared_samples = planned.comparer.count();
                           });
  const std::vector<std::filesystem::path> paths = LayerFilePaths(convert);
  const std::vector<std::string> texts = LayerFileTexts(convert, report.conversion, report.layers);
  for (size_t k = 0; k < paths.size(); ++k) {
    WriteFile(paths[k], texts[k]);
    report.conversion.files.push_back(paths[k].string());
  }
  return report;
}

}  // namespace qconvert
