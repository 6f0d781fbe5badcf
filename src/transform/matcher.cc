#include "matcher.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace qconvert {
namespace {

// Scales are what a range makes them.
bool IsScale(const Graph& graph, const Topology& topology, const std::string& value) {
  const std::vector<Use>& uses = topology.Uses(value);
  return std::all_of(uses.begin(), uses.end(), [&](const Use& use) {
    const Node& reader = graph.nodes[use.node];
    return reader.Is("QuantizeLinear") || reader.Is("DequantizeLinear");
  });
}

// True of models that were widened (widen_float16.cc), and of those that have no other numbers.
bool AreHalves(const Graph& graph, const Topology& topology) {
  return std::all_of(graph.initializers.begin(), graph.initializers.end(), [&](const auto& entry) {
    const Tensor& tensor = entry.second;
    if (tensor.type != DataType::kFloat || tensor.element_count() != 1) return true;
    const float number = tensor.values<float>()[0];
    return HalfToFloat(FloatToHalf(number)) == number || IsScale(graph, topology, entry.first);
  });
}

}  // namespace

bool IsClose(double a, double b, double relative) {
  return std::abs(a - b) <= relative * std::abs(b);
}

Matcher::Matcher(const Graph& graph)
    : graph_(graph),
      topology_(graph),
      scope_(graph),
      relative_(AreHalves(graph, topology_) ? kHalf : kDecimal) {}

std::optional<double> Matcher::Number(const std::string& value, const std::string& beside) const {
  const Tensor* tensor = graph_.FindInitializer(value);
  if (tensor == nullptr || tensor->type != DataType::kFloat || tensor->element_count() != 1)
    return std::nullopt;
  // [1, 1] would raise the rank of a vector it is combined with.
  if (tensor->dims.size() > 1) {
    const auto shape = Shape(beside);
    if (!shape || shape->size() < tensor->dims.size()) return std::nullopt;
  }
  return tensor->values<float>()[0];
}

std::optional<double> Matcher::Exponent(const std::string& value) const {
  const Tensor* tensor = graph_.FindInitializer(value);
  const bool is_integer =
      tensor != nullptr && (tensor->type == DataType::kInt64 || tensor->type == DataType::kInt32);
  if (!is_integer || tensor->element_count() != 1 || tensor->dims.size() > 1) return Number(value);
  return static_cast<double>(ToInt64s(*tensor)[0]);
}

const Node* Matcher::Reciprocal(const std::string& value) const {
  const Node* node = topology_.Producer(value);
  if (node == nullptr) return nullptr;
  return node->Is("Reciprocal") || (node->Is("Div") && Number(node->inputs[0]) == 1.0) ? node
                                                                                       : nullptr;
}

const Node* Matcher::Root(const std::string& value) const {
  const Node* node = topology_.Producer(value);
  if (node == nullptr) return nullptr;
  return node->Is("Sqrt") || (node->Is("Pow") && Exponent(node->inputs[1]) == 0.5) ? node : nullptr;
}

const Node* Matcher::Writer(const std::string& value, std::string_view type) const {
  const Node* node = topology_.Producer(value);
  return node != nullptr && node->Is(type) ? node : nullptr;
}

const Node* Matcher::Reader(const std::string& value) const {
  if (!topology_.HasSingleUse(value)) return nullptr;
  const Use use = topology_.Uses(value)[0];
  return use.slot == Use::kCaptured ? nullptr : &graph_.nodes[use.node];
}

std::optional<WithNumber> Matcher::EitherNumber(const Node& node) const {
  for (const size_t i : {0, 1}) {
    if (const auto number = Number(node.inputs[1 - i], node.inputs[i]))
      return WithNumber{node.inputs[i], *number};
  }
  return std::nullopt;
}

std::optional<WithNumber> Matcher::Sum(const Node* node) const {
  if (node == nullptr || node->inputs.size() != 2) return std::nullopt;
  if (node->Is("Sub")) {
    const auto number = Number(node->inputs[1], node->inputs[0]);
    return number ? std::optional(WithNumber{node->inputs[0], -*number}) : std::nullopt;
  }
  return node->Is("Add") ? EitherNumber(*node) : std::nullopt;
}

std::optional<WithNumber> Matcher::Product(const Node* node) const {
  if (node == nullptr || node->inputs.size() != 2) return std::nullopt;
  if (node->Is("Div")) {
    const auto divisor = Number(node->inputs[1], node->inputs[0]);
    if (!divisor || *divisor == 0) return std::nullopt;
    return WithNumber{node->inputs[0], 1 / *divisor};
  }
  return node->Is("Mul") ? EitherNumber(*node) : std::nullopt;
}

const std::string& Matcher::Other(const Node& node, const std::string& value) {
  return node.inputs[node.inputs[0] == value ? 1 : 0];
}

bool Matcher::IsFloat(const std::string& value) const {
  const std::optional<ValueType> type = scope_.FindType(value);
  return type && type->element == DataType::kFloat;
}

std::optional<std::vector<Dim>> Matcher::Shape(const std::string& value) const {
  const std::optional<ValueType> type = scope_.FindType(value);
  return type && type->is_tensor() ? type->shape : std::nullopt;
}

std::optional<std::vector<int64_t>> Matcher::KeptAxes(const Node& reduction) const {
  return reduction.GetInt("keepdims", 1) == 1 ? Axes(reduction) : std::nullopt;
}

std::optional<std::vector<int64_t>> Matcher::Axes(const Node& reduction) const {
  const auto shape = Shape(reduction.inputs[0]);
  if (!shape) return std::nullopt;
  std::vector<int64_t> axes;
  if (const auto* attribute = reduction.FindInts("axes")) axes = *attribute;
  if (const Tensor* input = graph_.FindInitializer(reduction.input(1))) axes = ToInt64s(*input);
  // Without axes it goes along all of them, or along none, as noop_with_empty_axes says.
  if (axes.empty()) return std::nullopt;
  for (int64_t& axis : axes) axis += axis < 0 ? static_cast<int64_t>(shape->size()) : 0;
  std::sort(axes.begin(), axes.end());
  return axes;
}

bool Matcher::IsClosed(const std::set<const Node*>& unit, const Node& last) const {
  return std::all_of(unit.begin(), unit.end(), [&](const Node* node) {
    if (node == &last) return true;
    return std::all_of(node->outputs.begin(), node->outputs.end(), [&](const std::string& output) {
      const auto& uses = topology_.Uses(output);
      return !topology_.IsGraphOutput(output) &&
             std::all_of(uses.begin(), uses.end(), [&](const Use& use) {
               return use.slot != Use::kCaptured && unit.contains(&graph_.nodes[use.node]);
             });
    });
  });
}

std::string UnitWriter::Scalar(double number) {
  const auto value = static_cast<float>(number);
  auto [it, is_new] = scalars_.try_emplace(value);
  if (is_new) it->second = Constant(MakeFloatTensor("", {}, std::vector<float>{value}));
  return it->second;
}

std::string UnitWriter::Constant(Tensor tensor) {
  tensor.name = names_.Make("constant");
  const std::string name = tensor.name;
  graph_.initializers.emplace(name, std::move(tensor));
  return name;
}

std::string UnitWriter::Add(const Node& stands_for, const std::string& like, std::string op_type,
                            std::vector<std::string> inputs) {
  const std::string value = names_.Make("unit");
  if (const auto type = graph_.value_info.find(like); type != graph_.value_info.end())
    SetType(value, type->second.type);
  Node node = MakeNode(std::move(op_type), std::move(inputs), {value});
  // Nameless nodes stay nameless.
  if (!stands_for.name.empty()) node.name = stands_for.name + "/" + value;
  node.origin = stands_for.origin_name();
  made_.push_back(std::move(node));
  return value;
}

void UnitWriter::SetType(const std::string& value, ValueType type) {
  graph_.value_info[value] = Value{value, std::move(type), {}, {}};
}

void UnitWriter::Become(Node& node, std::string op_type, std::vector<std::string> inputs) {
  Node other = MakeNode(std::move(op_type), std::move(inputs), {});
  other.name = std::move(node.name);
  other.origin = std::move(node.origin);
  // The strings of the outputs stay where they are: a matcher's scope looks at them.
  other.outputs = std::move(node.outputs);
  other.outputs.resize(1);
  node = std::move(other);
}

void UnitWriter::Finish() {
  // At the end they stand behind their readers.
  for (Node& node : made_) graph_.nodes.push_back(std::move(node));
  SortNodes(graph_);
  RemoveDeadNodes(graph_);
}

}  // namespace qconvert
