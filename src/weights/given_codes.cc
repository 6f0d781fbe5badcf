#include "qconvert/weights/given_codes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "dynamic_weights.h"
#include "integer_node.h"
#include "qconvert/base/parallel.h"
#include "qconvert/base/suggest.h"
#include "qconvert/ir/body_graph.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/targets/weight_slots.h"
#include "qconvert/weights/code_steps.h"
#include "qconvert/weights/layer_corrections.h"
#include "qconvert/weights/store_weights.h"

namespace qconvert {
namespace {

// Of the nodes of one level.
class GivenNodeCodes {
 public:
  GivenNodeCodes(const Graph& graph, const PlanFile& file, int workers,
                 const std::map<size_t, const FileNode*>& node_files, QuantizationPlan& plan,
                 ConfigProblems& problems)
      : graph_(graph),
        target_(TargetOf(file.config.target_device)),
        workers_(workers),
        node_files_(node_files),
        plan_(plan),
        problems_(problems) {}

  // Marks the nodes that have codes.
  std::vector<bool> Run() {
    std::vector<bool> has_own_codes(graph_.nodes.size(), false);
    for (const auto& [n, entry] : node_files_) {
      const bool dynamic = entry->way == NodeWay::kDynamic;
      has_own_codes[n] = dynamic || plan().placement.nodes[n].domain == NodeDomain::kInteger;
      if (dynamic && CanBeDynamic(graph_, graph_.nodes[n])) {
        FillDynamic(n, *entry);
      } else if (HasIntegerWeights(graph_, plan().placement, n)) {
        FillInteger(n, *entry);
      }
    }
    return has_own_codes;
  }

 private:
  QuantizationPlan& plan() { return plan_; }
  void Refuse(const ConfigPlace& place, const std::string& message) {
    problems_.Add(place, message);
  }

  const FileWeight* FindWeight(const FileNode& entry, const std::string& name) {
    // A file holds names as they can be printed.
    const std::string written = EscapeWhole(name);
    for (const FileWeight& weight : entry.weights)
      if (weight.name == written) return &weight;
    Refuse(entry.place, fmt::format("weights of '{}' has no entry for '{}'", entry.name, written));
    return nullptr;
  }

  // Integers of one scale, or of `channels` along `axis`.
  bool Fits(const FileWeight& weight, int64_t axis, int64_t channels) {
    const QuantParams& params = weight.grid.params;
    const auto count = static_cast<int64_t>(params.scales.size());
    const bool one = count == 1 && params.per_tensor();
    if (!weight.grid.format.is_integer()) {
      Refuse(weight.grid.place,
             fmt::format("weight '{}' has the type '{}', expected an integer type", weight.name,
                         DataTypeName(params.type)));
    } else if (!one && (count != channels || params.axis != axis)) {
      const std::string several =
          channels == 1 ? "" : fmt::format(", or {} of axis {}", channels, axis);
      Refuse(weight.grid.scale_place,
             fmt::format("weight '{}' has {} scales of axis {}, expected one number{}", weight.name,
                         count, params.axis, several));
    } else {
      return true;
    }
    return false;
  }

  void FillInteger(size_t n, const FileNode& entry) {
    const Node& node = graph_.nodes[n];
    const Tensor& tensor = *graph_.FindInitializer(node.inputs[1]);
    const WeightOrder order = KernelOrder(node, tensor);
    const Tensor* addend = FindUnitBias(graph_, node, plan().placement.nodes[n].unit);
    std::vector<float> bias = addend == nullptr ? std::vector<float>{} : ToFloats(*addend);
    if (!bias.empty() && !entry.bias)
      Refuse(entry.place, fmt::format("bias of '{}' is missing", entry.name));
    if (!ShiftBias(n, entry, static_cast<size_t>(order.channels), bias)) return;
    const FileWeight* weight = FindWeight(entry, node.inputs[1]);
    const auto input = plan().values.find(node.inputs[0]);
    IntegerNodePlan& out = plan().integer_nodes[n];
    out.bias_shift = entry.bias_shift;
    const bool fits =
        weight != nullptr && Fits(*weight, order.axis, order.axis < 0 ? 1 : order.channels);
    if (!fits || input == plan().values.end() || input->second.params.scales.empty()) return;
    const BiasGrid grid = entry.bias.value_or(BiasGrid());
    if (!IsOwn(grid)) RoundBias(grid, bias);
    const float input_scale = FirstInputParams(plan(), n, node).scales[0];
    if (target_.bias != BiasForm::kFloat && !IsOwn(grid) &&
        !HasRoom(bias, input_scale, weight->grid.params.scales)) {
      Refuse(weight->grid.scale_place,
             fmt::format("scale of '{}' is too small: its bias would take more than 2^30 steps",
                         weight->name));
      return;
    }
    FittedWeights codes = RoundWeights(tensor, order, weight->grid.params, weight->grid.format,
                                       {.pair_limit = weight->pair_limit, .workers = workers_});
    // Letters count from the nearest codes.
    const std::string wrong = weight->steps.empty() ? "" : AddSteps(weight->steps, codes);
    if (!wrong.empty())
      Refuse(weight->grid.place, fmt::format("steps of '{}' {}", weight->name, wrong));
    SetWeights(node, codes, !bias.empty(), out);
    out.weight->steps = weight->steps;
    SetBias(bias, target_.bias, IsOwn(grid), grid, input_scale, out);
  }

  // Whether the codes of a bias are those on its grid.
  bool IsOwn(const BiasGrid& grid) const {
    return target_.bias == BiasForm::kOwnScale && grid.scale > 0;
  }

  // What corrected the bias; false when it does not fit.
  bool ShiftBias(size_t n, const FileNode& entry, size_t channels, std::vector<float>& bias) {
    if (entry.bias_shift.empty()) return true;
    const Node& node = graph_.nodes[n];
    if (!CanMoveBias(graph_, node, plan().placement.nodes[n].unit)) {
      Refuse(entry.place, fmt::format("shift of '{}' has no bias to be added to", entry.name));
    } else if (entry.bias_shift.size() != channels) {
      Refuse(entry.place, fmt::format("shift of '{}' has {} numbers, expected {}, one per channel",
                                      entry.name, entry.bias_shift.size(), channels));
    } else {
      AddShift(entry.bias_shift, bias);
      return true;
    }
    return false;
  }

  // BiasFits, but for the last bit that a scale at the limit was rounded by.
  static bool HasRoom(const std::vector<float>& bias, float input_scale,
                      std::vector<float> scales) {
    if (bias.empty()) return true;
    for (float& scale : scales)
      scale = std::nextafter(scale, std::numeric_limits<float>::infinity());
    return BiasFits(bias, input_scale, scales);
  }

  void FillDynamic(size_t n, const FileNode& entry) {
    const Node& node = graph_.nodes[n];
    std::vector<const FileWeight*> weights;
    for (const std::string& name : DynamicWeightsOf(node)) {
      const FileWeight* weight = FindWeight(entry, name);
      if (weight == nullptr || !FitsDynamic(node, name, *weight)) return;
      weights.push_back(weight);
    }
    const auto round = [&](const Tensor& matrix, const WeightOrder& order, size_t w, int64_t d) {
      const FileGrid& grid = weights[w]->grid;
      return RoundWeights(matrix, order, ParamsOf(grid, node, order, d), grid.format,
                          {.pair_limit = weights[w]->pair_limit, .workers = workers_});
    };
    plan().dynamic_nodes[n] = MakeDynamicNode(graph_, node, round);
    plan().placement.nodes[n].reason = kAtRunTime;
  }

  // Of a product as of an integer node; of a recurrent node one scale per direction and gate row.
  bool FitsDynamic(const Node& node, const std::string& name, const FileWeight& weight) {
    const std::vector<int64_t>& dims = graph_.FindInitializer(name)->dims;
    const QuantParams& params = weight.grid.params;
    if (params.type != DataType::kInt8 || params.zero_points.empty() ||
        params.zero_points != std::vector<int32_t>(params.zero_points.size(), 0)) {
      Refuse(weight.grid.place, fmt::format("weight '{}' is quantized for run time, expected int8 "
                                            "with zero_point 0",
                                            weight.name));
      return false;
    }
    if (!IsRecurrent(node)) {
      const bool transposed = node.Is("Gemm") && node.GetInt("transB", 0) != 0;
      return Fits(weight, 1, dims[transposed ? 0 : 1]);
    }
    if (static_cast<int64_t>(params.scales.size()) == dims[0] * dims[1] && params.per_tensor())
      return true;
    Refuse(weight.grid.scale_place,
           fmt::format("weight '{}' has {} scales, expected {}, one per direction and gate row",
                       weight.name, params.scales.size(), dims[0] * dims[1]));
    return false;
  }

  // Of one matrix: those of direction `d` of a recurrent node.
  static QuantParams ParamsOf(const FileGrid& grid, const Node& node, const WeightOrder& order,
                              int64_t d) {
    if (!IsRecurrent(node)) return grid.params;
    const auto rows = order.channels;
    const auto first = grid.params.scales.begin() + d * rows;
    return {grid.params.type,
            order.axis,
            {first, first + rows},
            std::vector<int32_t>(static_cast<size_t>(rows), 0)};
  }

  const Graph& graph_;
  const Target& target_;
  int workers_;
  const std::map<size_t, const FileNode*>& node_files_;
  QuantizationPlan& plan_;
  ConfigProblems& problems_;
};

class GivenStoredWeights {
 public:
  GivenStoredWeights(const Graph& graph, const PlanFile& file, int workers, PlanReading& reading)
      : graph_(graph), file_(file), workers_(workers), reading_(reading) {}

  void Fill(std::vector<WeightUse> uses) {
    std::map<std::string, const WeightUse*> use_of;
    std::vector<std::string> names;
    for (const WeightUse& use : uses) {
      names.push_back(EscapeWhole(use.way));
      use_of.emplace(names.back(), &use);
    }
    std::vector<std::pair<const WeightUse*, const FileStored*>> work;
    std::set<std::string> seen;
    for (const FileStored& entry : file_.stored) {
      if (!seen.insert(entry.way).second)
        Refuse(entry.grid.place, fmt::format("stored_weights has '{}' twice", entry.way));
      if (!entry.grid.format.is_integer()) {
        FillRounded(entry);
        continue;
      }
      const auto use = use_of.find(entry.way);
      if (use == use_of.end()) {
        const std::string hint = reading_.problems.full() ? "" : DidYouMean(entry.way, names);
        Refuse(entry.grid.place,
               fmt::format("no float node reads weights '{}'{}", entry.way, hint));
      } else if (StoredFits(*use->second, entry)) {
        work.emplace_back(use->second, &entry);
      }
    }
    StoreAll(work);
  }

 private:
  QuantizationPlan& plan() { return reading_.plan; }
  void Refuse(const ConfigPlace& place, const std::string& message) {
    reading_.problems.Add(place, message);
  }

  bool StoredFits(const WeightUse& use, const FileStored& entry) {
    const FileGrid& grid = entry.grid;
    const int64_t count = StoredScaleCount(use, entry.block_size);
    const auto zero = [](int32_t point) { return point == 0; };
    const bool is_signed =
        grid.format.type == DataType::kInt8 || grid.format.type == DataType::kInt16;
    if (!is_signed ||
        !std::all_of(grid.params.zero_points.begin(), grid.params.zero_points.end(), zero)) {
      Refuse(grid.place, fmt::format("stored weight '{}' is {}, expected int8 or int16 with "
                                     "zero_point 0",
                                     entry.way, DataTypeName(grid.format.type)));
    } else if (static_cast<int64_t>(grid.params.scales.size()) != count) {
      Refuse(grid.scale_place, fmt::format("stored weight '{}' has {} scales, expected {}",
                                           entry.way, grid.params.scales.size(), count));
    } else {
      return true;
    }
    return false;
  }

  void StoreAll(const std::vector<std::pair<const WeightUse*, const FileStored*>>& work) {
    std::vector<std::optional<StoredWeight>> made(work.size());
    ParallelFor(work.size(), workers_, [&](size_t i, size_t /*worker*/) {
      const auto& [use, entry] = work[i];
      made[i] = StoreOnGrid(*use, entry->grid.format, entry->block_size, entry->grid.params.scales);
    });
    for (size_t i = 0; i < work.size(); ++i) {
      AddStepsOf(*work[i].second, *made[i]);
      plan().stored.emplace(work[i].first->way, std::move(*made[i]));
    }
  }

  // Letters count from the nearest codes.
  void AddStepsOf(const FileStored& entry, StoredWeight& stored) {
    if (entry.steps.empty()) return;
    FittedWeights weights = FittedOf(stored);
    const std::string wrong = AddSteps(entry.steps, weights);
    if (wrong.empty()) return TakeFitted(weights, stored);
    Refuse(entry.grid.place, fmt::format("steps of '{}' {}", entry.way, wrong));
  }

  // In a floating type of 16 bits: top-level initializers only.
  void FillRounded(const FileStored& entry) {
    // Of all weights once, and only for a file that has such entries.
    if (rounded_.empty()) {
      for (const auto& [name, tensor] : graph_.initializers)
        if (tensor.type == DataType::kFloat) rounded_.emplace(EscapeWhole(name), name);
    }
    const auto found = rounded_.find(entry.way);
    if (found == rounded_.end()) {
      Refuse(entry.grid.place, fmt::format("the model has no float weights '{}'", entry.way));
      return;
    }
    plan().stored[found->second] = {
        found->second,
        Narrowed(*graph_.FindInitializer(found->second), entry.grid.format.type),
        {},
        {},
        {},
        entry.grid.format};
  }

  const Graph& graph_;
  const PlanFile& file_;
  int workers_;
  PlanReading& reading_;
  std::map<std::string, std::string> rounded_;  // written name -> name
};

}  // namespace

void FillGivenCodes(const Graph& graph, const PlanFile& file, int workers, PlanReading& reading) {
  MarkedNodes marks;
  marks[""] =
      GivenNodeCodes(graph, file, workers, reading.node_files, reading.plan, reading.problems)
          .Run();
  ForEachBodyIn(reading.body_files, graph, [&](const BodyGraph& body, const auto& files) {
    marks[body.way] = GivenNodeCodes(body.graph, file, workers, files,
                                     reading.plan.bodies.at(body.way), reading.problems)
                          .Run();
  });
  GivenStoredWeights(graph, file, workers, reading).Fill(FindWeightUses(graph, marks));
}

}  // namespace qconvert
