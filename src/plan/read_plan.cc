#include "qconvert/plan/read_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <set>
#include <string_view>
#include <utility>

#include "plan_nodes.h"
#include "qconvert/base/suggest.h"
#include "qconvert/ir/body_graph.h"
#include "qconvert/plan/body_plans.h"
#include "qconvert/plan/choose_scheme.h"
#include "qconvert/plan/node_settings.h"
#include "qconvert/plan/value_range.h"

namespace qconvert {
namespace {

constexpr const char* kUntold = "as the plan says";  // PlaceNodes asks for a reason
constexpr const char* kNoUse = "has no use: the plan has no codes for it";

NodeWay WayOf(const NodePlacement& node) {
  if (node.domain == NodeDomain::kInteger) return NodeWay::kInteger;
  return node.domain == NodeDomain::kFused ? NodeWay::kFused : NodeWay::kFloat;
}

// What a file says of one level.
struct FileLevel {
  std::vector<const FileNode*> nodes;
  std::vector<const FileValue*> values;
};

class LevelReader {
 public:
  // Fills in `plan` and `node_files`; tells what is wrong where `reading` says.
  // `why_float`: of a body (WhyBodyIsFloat).
  LevelReader(const Graph& graph, const PlanFile& file, const FileLevel& level,
              PlanReading& reading, QuantizationPlan& plan,
              std::map<size_t, const FileNode*>& node_files, std::string why_float = {})
      : graph_(graph),
        file_(file),
        level_(level),
        reading_(reading),
        plan_(plan),
        node_files_(node_files),
        why_float_(std::move(why_float)) {}

  void Run() {
    FindNodes();
    PlaceAsWritten();
    ReadValues();
    // Codes are made of parameters that were found sound, or not at all.
    if (reading_.problems.empty()) PlanNodes(graph_, OperandsOf(), plan());
    if (reading_.problems.empty()) ReadConverted();
  }

 private:
  QuantizationPlan& plan() { return plan_; }
  bool is_body() const { return &plan_ != &reading_.plan; }

  void Refuse(const ConfigPlace& place, std::string_view message) {
    reading_.problems.Add(place, message);
  }

  // The nearest of `names`, made only while somebody will read it.
  std::string Hint(const std::string& name, const std::vector<std::string>& names) const {
    return reading_.problems.full() ? "" : DidYouMean(name, names);
  }

  // Entries by name; nodes of one name in the order of the file.
  void FindNodes() {
    std::map<std::string, std::deque<const FileNode*>> entries;
    for (const FileNode* node : level_.nodes) entries[node->name].push_back(node);
    std::vector<std::string> names;
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      if (!MayComputeFloat(graph_, node)) continue;
      const std::string name = EscapeWhole(node.name);
      names.push_back(name);
      auto& mine = entries[name];
      if (mine.empty()) {
        Refuse(file_.place, fmt::format("nodes has no entry for {} '{}'", node.op_type, name));
        continue;
      }
      const FileNode& entry = *mine.front();
      // Nodes without a name, or of one name, are told apart by their order alone.
      mine.pop_front();
      node_files_.emplace(n, &entry);
      if (entry.op_type != EscapeWhole(node.op_type)) {
        Refuse(entry.place, fmt::format("op_type of '{}' is '{}', the model has '{}'", name,
                                        entry.op_type, node.op_type));
      }
    }
    for (const auto& [name, left] : entries) {
      for (const FileNode* entry : left) {
        Refuse(entry->place, fmt::format("the model has no node '{}' that computes floats{}", name,
                                         Hint(name, names)));
      }
    }
  }

  void PlaceAsWritten() {
    const Target& target = TargetOf(file_.config.target_device);
    PlaceOptions options{.place_by = PlaceBy::kKernels, .target = &target};
    SetForms(file_.config, plan());
    if (!why_float_.empty()) KeepAllFloat(graph_, options, why_float_);
    for (size_t n = 0; n < graph_.nodes.size(); ++n) {
      const auto entry = node_files_.find(n);
      if (entry == node_files_.end()) continue;
      const NodeWay way = entry->second->way;
      const std::string& reason = entry->second->reason;
      // What the file says integer is placed by kernels alone, times are not asked again; what it
      // says float is kept so.
      if (way == NodeWay::kFloat || way == NodeWay::kDynamic)
        options.keep_float.insert_or_assign(n, reason.empty() ? kUntold : reason);
    }
    plan().placement = PlaceNodes(graph_, options);
    // The settings may have asked for codes where a product gives floats for free.
    if (!HasAllValues(plan().placement)) {
      const Target coded = WithCodedProducts(target);
      options.target = &coded;
      Placement placement = PlaceNodes(graph_, options);
      if (HasAllValues(placement)) plan().placement = std::move(placement);
    }
    for (const auto& [n, entry] : node_files_) CheckWay(n, *entry);
  }

  // Whether all that the file has codes of has some.
  bool HasAllValues(const Placement& placement) const {
    std::set<std::string> names;
    for (const auto& [value, root] : placement.roots) names.insert(EscapeWhole(value));
    return std::all_of(level_.values.begin(), level_.values.end(),
                       [&](const FileValue* value) { return names.contains(value->name); });
  }

  void CheckWay(size_t n, const FileNode& entry) {
    const NodePlacement& placed = plan().placement.nodes[n];
    const Node& node = graph_.nodes[n];
    const NodeWay can = WayOf(placed);
    if (entry.way == NodeWay::kDynamic) {
      if (can == NodeWay::kFloat && CanBeDynamic(graph_, node) && !is_body()) return;
      Refuse(entry.way_place, fmt::format("'{}' is 'dynamic', expected 'float': no kernel "
                                          "quantizes this {} at run time",
                                          entry.name, node.op_type));
    } else if (entry.way == can) {
      if (can != NodeWay::kInteger && !entry.weights.empty())
        Warn(entry.place,
             fmt::format("weights of '{}' have no use, it is not integer", entry.name));
    } else {
      const std::string why = can == NodeWay::kFused ? "the node before it computes it as well"
                              : entry.way == NodeWay::kFused ? "no integer node computes it as well"
                                                             : placed.reason;
      Refuse(entry.way_place, fmt::format("'{}' is '{}', expected '{}': {}", entry.name,
                                          NodeWayName(entry.way), NodeWayName(can), why));
    }
  }

  void Warn(const ConfigPlace& place, const std::string& message) {
    reading_.warnings.push_back(place.Text() + ": " + message);
  }

  void ReadValues() {
    std::map<std::string, const FileValue*> entries;
    for (const FileValue* value : level_.values) {
      if (!entries.emplace(value->name, value).second)
        Refuse(value->grid.place, fmt::format("values has '{}' twice", value->name));
    }
    for (const auto& [value, root] : plan().placement.roots) {
      const auto found = entries.find(EscapeWhole(value));
      if (found == entries.end()) {
        Refuse(file_.place, fmt::format("values has no entry for '{}', which integer nodes read "
                                        "or write",
                                        EscapeWhole(value)));
        continue;
      }
      ReadValue(value, root, *found->second);
      // What is left has no value that integer nodes touch.
      entries.erase(found);
    }
    for (const auto& [value, root] : plan().placement.roots) CheckShared(value, root);
    if (entries.empty()) return;
    const std::vector<std::string> names = ValueNames();
    const std::set<std::string> known(names.begin(), names.end());
    for (const auto& [name, entry] : entries) {
      if (known.contains(name)) {
        Warn(entry->grid.place, fmt::format("value '{}' {}", name, kNoUse));
      } else {
        Refuse(entry->grid.place,
               fmt::format("the model has no value '{}'{}", name, Hint(name, names)));
      }
    }
  }

  void ReadValue(const std::string& value, const std::string& root, const FileValue& entry) {
    places_[value] = entry.grid.scale_place;
    CheckGrid(entry.grid, fmt::format("value '{}'", entry.name));
    const std::string shares = root == value ? "" : EscapeWhole(root);
    if (entry.shares != shares) {
      Refuse(entry.grid.place,
             fmt::format("value '{}' {}, expected {}", entry.name, SharesText(entry.shares),
                         shares.empty() ? "none, its codes are its own" : "'" + shares + "'"));
    }
    plan().values[value] = {entry.grid.params, entry.grid.format, entry.range, root, entry.method};
  }

  static std::string SharesText(const std::string& shares) {
    return shares.empty() ? "has no shares" : "has shares '" + shares + "'";
  }

  // What only moves codes cannot change what they stand for.
  void CheckShared(const std::string& value, const std::string& root) {
    const auto mine = plan().values.find(value);
    const auto whole = plan().values.find(root);
    if (mine == plan().values.end() || whole == plan().values.end()) return;
    if (mine->second.params == whole->second.params && mine->second.format == whole->second.format)
      return;
    Refuse(places_.at(value), fmt::format("'{}' shares the codes of '{}', expected the same "
                                          "type, codes, round, scale and zero_point",
                                          EscapeWhole(value), EscapeWhole(root)));
  }

  // One scale, of integers.
  bool CheckGrid(const FileGrid& grid, const std::string& what) {
    if (!grid.format.is_integer()) {
      Refuse(grid.place, fmt::format("{} has the type '{}', expected an integer type", what,
                                     DataTypeName(grid.format.type)));
    } else if (grid.params.scales.size() != 1 || !grid.params.per_tensor()) {
      Refuse(grid.scale_place, fmt::format("{} has a list of scales, expected one number", what));
    } else {
      return true;
    }
    return false;
  }

  std::vector<std::string> ValueNames() const {
    std::vector<std::string> names;
    for (const Value& input : graph_.inputs) names.push_back(EscapeWhole(input.name));
    for (const Node& node : graph_.nodes) {
      for (const std::string& output : node.outputs)
        if (!output.empty()) names.push_back(EscapeWhole(output));
    }
    return names;
  }

  // Entries of inputs that are no constants.
  void ReadConverted() {
    for (auto& [n, integer] : plan().integer_nodes) {
      const Node& node = graph_.nodes[n];
      const FileNode& entry = *node_files_.at(n);
      for (const FileOperand& operand : entry.operands) {
        const std::string& input = node.input(operand.input);
        if (integer.hard_sigmoid || input.empty() || !plan().values.contains(input)) continue;
        const std::string what = fmt::format("input {} of '{}'", operand.input, entry.name);
        if (CheckGrid(operand.grid, what))
          integer.converted[operand.input] = {operand.grid.params, operand.grid.format};
      }
    }
  }

  OperandGrids OperandsOf() {
    return [this](size_t n, size_t input, Range /*range*/) -> OperandGrid {
      const FileNode& entry = *node_files_.at(n);
      // Something sound to go on with, once the problem has been told.
      const OperandGrid any{ParamsFromRange({}, NumericFormat()), NumericFormat()};
      for (const FileOperand& operand : entry.operands) {
        if (operand.input != input) continue;
        const bool sound =
            CheckGrid(operand.grid, fmt::format("input {} of '{}'", input, entry.name));
        return sound ? OperandGrid{operand.grid.params, operand.grid.format} : any;
      }
      Refuse(entry.place,
             fmt::format("operands of '{}' has no entry for input {}", entry.name, input));
      return any;
    };
  }

  const Graph& graph_;
  const PlanFile& file_;
  const FileLevel& level_;
  PlanReading& reading_;
  QuantizationPlan& plan_;
  std::map<size_t, const FileNode*>& node_files_;
  std::string why_float_;
  std::map<std::string, ConfigPlace> places_;  // of the scales of values
};

// All levels of a file, with what it says of none.
class PlanReader {
 public:
  PlanReader(const Graph& graph, const PlanFile& file)
      : graph_(graph), file_(file), out_{{}, {}, {}, ConfigProblems(file.file.string()), {}} {
    for (const FileNode& node : file.nodes) levels_[node.scope].nodes.push_back(&node);
    for (const FileValue& value : file.values) levels_[value.scope].values.push_back(&value);
  }

  PlanReading Run() {
    LevelReader(graph_, file_, levels_[""], out_, plan(), out_.node_files).Run();
    ReadBodies();
    ReadRounded();
    ReadCoarser();
    return std::move(out_);
  }

 private:
  QuantizationPlan& plan() { return out_.plan; }

  void Refuse(const ConfigPlace& place, std::string_view message) {
    out_.problems.Add(place, message);
  }

  std::string Hint(const std::string& name, const std::vector<std::string>& names) const {
    return out_.problems.full() ? "" : DidYouMean(name, names);
  }

  void ReadBodies() {
    std::vector<std::string> names;
    for (const BodyGraph& body : FindBodyGraphs(graph_)) {
      names.push_back(EscapeWhole(body.way));
      const auto level = levels_.find(names.back());
      if (level == levels_.end()) continue;
      LevelReader(body.graph, file_, level->second, out_, plan().bodies[body.way],
                  out_.body_files[body.way],
                  WhyBodyIsFloat(body, TargetOf(file_.config.target_device)))
          .Run();
      plan().placement.bodies.emplace(body.way, plan().bodies[body.way].placement);
    }
    const std::set<std::string> known(names.begin(), names.end());
    for (const auto& [scope, level] : levels_) {
      if (scope.empty() || known.contains(scope)) continue;
      const ConfigPlace& place =
          level.nodes.empty() ? level.values[0]->grid.place : level.nodes[0]->place;
      Refuse(place, fmt::format("the model has no scope '{}'{}", scope, Hint(scope, names)));
    }
  }

  void ReadCoarser() {
    if (file_.coarser.empty()) return;
    constexpr std::array<std::string_view, 3> kWhats = {"output", "weights", "bias"};
    std::map<std::string, std::string> names;
    for (const Node& node : graph_.nodes) names.emplace(EscapeWhole(node.name), node.name);
    for (const FileCoarser& entry : file_.coarser) {
      const auto name = names.find(entry.node);
      if (name == names.end()) {
        Refuse(entry.place, fmt::format("the model has no node '{}'", entry.node));
        continue;
      }
      const auto what = std::find(kWhats.begin(), kWhats.end(), entry.what);
      const auto position = [](double scale) {
        return static_cast<int>(std::lround(-std::log2(scale)));
      };
      plan().position_changes.push_back(
          {name->second, *what, position(entry.wanted), position(entry.scale)});
    }
  }

  void ReadRounded() {
    if (file_.rounded.empty()) return;
    std::map<std::string, std::string> floats;
    const auto add = [&](const std::string& value) {
      if (!value.empty() && TypeOfValue(graph_, value) == DataType::kFloat)
        floats.emplace(EscapeWhole(value), value);
    };
    for (const Value& input : graph_.inputs) add(input.name);
    for (const Node& node : graph_.nodes)
      for (const std::string& output : node.outputs) add(output);
    std::vector<std::string> names;
    for (const auto& [name, value] : floats) names.push_back(name);
    for (const FileRounded& entry : file_.rounded) {
      const auto found = floats.find(entry.value);
      if (found == floats.end()) {
        Refuse(entry.place, fmt::format("the model has no float value '{}'{}", entry.value,
                                        Hint(entry.value, names)));
      } else if (!plan().rounded.types.emplace(found->second, entry.type).second) {
        Refuse(entry.place, fmt::format("rounded_values has '{}' twice", entry.value));
      }
    }
  }

  const Graph& graph_;
  const PlanFile& file_;
  PlanReading out_;
  std::map<std::string, FileLevel> levels_;  // by scope
};

}  // namespace

PlanReading ReadPlan(const Graph& graph, const PlanFile& file) {
  return PlanReader(graph, file).Run();
}

}  // namespace qconvert
