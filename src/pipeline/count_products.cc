#include "count_products.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "qconvert/ir/scope.h"
#include "qconvert/ir/topology.h"
#include "qconvert/plan/body_plans.h"
#include "qconvert/plan/multiply_adds.h"
#include "qconvert/plan/node_settings.h"
#include "qconvert/plan/value_range.h"
#include "qconvert/targets/weight_slots.h"

namespace qconvert {
namespace {

constexpr double kBitsPerByte = 8;

using Rows = std::map<std::tuple<std::string, DataType, DataType, DataType>, Inspection::Products>;

// Of one level.
class Counter {
 public:
  Counter(const Graph& graph, int64_t opset, const std::map<size_t, std::string>& dynamic,
          const Placement& placement, const ModelSettings& settings, std::set<std::string> stored,
          Rows& rows)
      : graph_(graph),
        opset_(opset),
        dynamic_(dynamic),
        placement_(placement),
        settings_(settings),
        stored_(std::move(stored)),
        topology_(graph_),
        scope_(graph_),
        sizes_(graph_, {}),
        rows_(rows) {
    SetForms(settings.config, forms_);
  }

  void Run() {
    for (size_t n = 0; n < graph_.nodes.size(); ++n) Add(n);
  }

 private:
  bool IsInteger(size_t n) const { return placement_.nodes[n].domain == NodeDomain::kInteger; }

  // Of a value that has codes; a movement's are those of what it moves.
  DataType CodesOf(const std::string& value) const {
    const std::string& root = placement_.roots.at(value);
    const TensorSettings* settings =
        FindValueSettings(graph_, topology_, placement_, settings_, root);
    // The last entry of a value of its own wins over that of the node that writes it.
    for (const ValueSettings& own : settings_.config.values)
      if (own.value == root) settings = &own.settings;
    if (settings == nullptr) settings = &settings_.config.tensors.activation;
    return ActivationFormat(*settings, TargetOf(settings_.config.target_device)).type;
  }

  DataType PlainTypeOf(const std::string& value) const {
    const auto type = scope_.FindType(value);
    return type && type->is_tensor() ? type->element : DataType::kFloat;
  }

  // Of value `input` of node `n`, as the kernel takes it.
  DataType InputType(size_t n, size_t input) const {
    const std::string& value = graph_.nodes[n].input(input);
    if (dynamic_.contains(n)) return DataType::kUint8;
    const bool takes_codes = IsInteger(n) && placement_.IsQuantized(value) &&
                             !placement_.nodes[n].float_inputs.contains(input);
    return takes_codes ? CodesOf(value) : PlainTypeOf(value);
  }

  DataType WeightType(size_t n, const std::string& weight) const {
    if (dynamic_.contains(n)) return DataType::kInt8;
    const TensorSettings& settings = settings_.Of(graph_.nodes[n]).weights;
    if (IsInteger(n) && settings.is_int()) {
      const NumericFormat format = FormatOf(settings);
      return forms_.narrow_weights ? NarrowestType(format, opset_) : format.type;
    }
    if (!stored_.contains(weight)) return PlainTypeOf(weight);
    return settings.is_int() ? IntegerFormat(settings.bit_width, true, true).type : DataType::kInt8;
  }

  double Bytes(const std::string& value, DataType type) const {
    return value.empty() ? 0 : sizes_.SizeOf(value) * BitsOf(type) / kBitsPerByte;
  }

  void Add(size_t n) {
    const Node& node = graph_.nodes[n];
    const double count = CountMultiplyAdds(graph_, sizes_, node);
    std::set<std::string> weights;
    for (const std::string& name : WeightsOf(node))
      if (graph_.FindInitializer(name) != nullptr) weights.insert(name);
    if (count <= 0 && weights.empty()) return;
    const DataType input = InputType(n, 0);
    // Two values may be multiplied as well.
    const DataType second = weights.empty() ? InputType(n, 1) : WeightType(n, *weights.begin());
    const std::string& written = IsInteger(n) ? placement_.nodes[n].unit.output : node.outputs[0];
    const DataType output =
        placement_.integer_values.contains(written) ? CodesOf(written) : PlainTypeOf(written);
    Inspection::Products& row = rows_[{node.op_type, input, second, output}];
    row.op_type = node.op_type;
    row.input = DataTypeName(input);
    row.weight = DataTypeName(second);
    row.output = DataTypeName(output);
    ++row.nodes;
    row.multiply_adds += count;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const bool is_constant = graph_.FindInitializer(node.inputs[i]) != nullptr;
      if (weights.contains(node.inputs[i])) row.weight_bytes += Bytes(node.inputs[i], second);
      if (!is_constant) row.input_bytes += Bytes(node.inputs[i], i == 0 ? input : InputType(n, i));
    }
    row.output_bytes += Bytes(written, output);
  }

  const Graph& graph_;
  const int64_t opset_;
  const std::map<size_t, std::string>& dynamic_;
  const Placement& placement_;
  const ModelSettings& settings_;
  const std::set<std::string> stored_;
  const Topology topology_;
  const Scope scope_;
  const CostModel sizes_;
  QuantizationPlan forms_;
  Rows& rows_;
};

// As they are called in the body.
std::set<std::string> StoredIn(const BodyGraph& body, const std::set<std::string>& stored) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : body.graph.initializers)
    if (stored.contains(body.FullName(name))) names.insert(name);
  return names;
}

}  // namespace

std::vector<Inspection::Products> CountProducts(const Model& model, const SchemeChoice& choice,
                                                const Placement& placement,
                                                const ModelSettings& settings,
                                                const std::set<std::string>& stored) {
  Rows found;
  Counter(model.graph, model.opset(), choice.dynamic, placement, settings, stored, found).Run();
  ForEachBodyIn(placement.bodies, model.graph, [&](const BodyGraph& body, const Placement& placed) {
    Counter(body.graph, model.opset(), {}, placed, SettingsOfBody(settings, body),
            StoredIn(body, stored), found)
        .Run();
  });
  std::vector<Inspection::Products> rows;
  for (auto& [types, row] : found) rows.push_back(std::move(row));
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.multiply_adds > b.multiply_adds; });
  return rows;
}

}  // namespace qconvert
