#include "qconvert/ir/graph_printer.h"

#include <fmt/format.h>

#include <iterator>
#include <type_traits>

namespace qconvert {
namespace {

constexpr int64_t kMaxPrintedElements = 8;

void Print(const Graph& graph, const std::string& indent, std::string& out);

template <typename T>
std::string Join(const std::vector<T>& values) {
  return fmt::format("[{}]", fmt::join(values, ","));
}

std::string PrintTensor(const Tensor& tensor) {
  std::string text = fmt::format("{}[{}]", DataTypeName(tensor.type), fmt::join(tensor.dims, ","));
  if (tensor.element_count() > kMaxPrintedElements) return text;
  const auto append = [&]<typename T>(T) {
    std::vector<std::string> values;
    for (const T v : tensor.values<T>()) values.push_back(fmt::format("{}", v));
    text += fmt::format(" = {}", Join(values));
  };
  switch (tensor.type) {
    case DataType::kFloat:
      append(float{});
      break;
    case DataType::kUint8:
      append(uint8_t{});
      break;
    case DataType::kInt8:
      append(int8_t{});
      break;
    case DataType::kInt32:
      append(int32_t{});
      break;
    case DataType::kInt64:
      append(int64_t{});
      break;
    // Other types have no values in the text.
    default:
      break;
  }
  return text;
}

std::string PrintAttribute(const Attribute& attribute) {
  if (!attribute.reference.empty()) return "@" + attribute.reference;
  return std::visit(
      [](const auto& value) -> std::string {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, float> || std::is_same_v<T, int64_t>) {
          return fmt::format("{}", value);
        } else if constexpr (std::is_same_v<T, std::string>) {
          return fmt::format("\"{}\"", value);
        } else if constexpr (std::is_same_v<T, Tensor>) {
          return PrintTensor(value);
        } else if constexpr (std::is_same_v<T, std::vector<float>> ||
                             std::is_same_v<T, std::vector<int64_t>> ||
                             std::is_same_v<T, std::vector<std::string>>) {
          return Join(value);
        } else {
          // Bodies follow in lines of their own; the rest is too long for one.
          return "...";
        }
      },
      attribute.data);
}

std::string PrintNames(const std::vector<std::string>& names) {
  std::vector<std::string> shown;
  for (const std::string& name : names) shown.push_back(name.empty() ? "_" : name);
  return fmt::format("{}", fmt::join(shown, ", "));
}

void PrintNode(const Node& node, const std::string& indent, std::string& out) {
  const std::string type = node.domain.empty() ? node.op_type : node.domain + ":" + node.op_type;
  fmt::format_to(std::back_inserter(out), "{}{} = {}({})", indent, PrintNames(node.outputs), type,
                 PrintNames(node.inputs));
  if (!node.attributes.empty()) {
    std::vector<std::string> attributes;
    for (const auto& [key, attribute] : node.attributes) {
      attributes.push_back(key + "=" + PrintAttribute(attribute));
    }
    fmt::format_to(std::back_inserter(out), " {{{}}}", fmt::join(attributes, ", "));
  }
  out += '\n';
  for (const Graph* subgraph : SubgraphsOf(node)) Print(*subgraph, indent + "  ", out);
}

void Print(const Graph& graph, const std::string& indent, std::string& out) {
  auto sink = std::back_inserter(out);
  for (const Value& input : graph.inputs) {
    fmt::format_to(sink, "{}input {} {}\n", indent, input.name, PrintType(input.type));
  }
  // In the order of names, whichever pass put them in.
  for (const auto& [name, tensor] : graph.initializers) {
    fmt::format_to(sink, "{}init {} {}\n", indent, name, PrintTensor(tensor));
  }
  for (const Node& node : graph.nodes) PrintNode(node, indent, out);
  for (const Value& output : graph.outputs) {
    fmt::format_to(sink, "{}output {} {}\n", indent, output.name, PrintType(output.type));
  }
}

}  // namespace

std::string PrintType(const ValueType& type) {
  if (!type.opaque.empty()) return "opaque";
  if (type.element == DataType::kUndefined) return "?";
  std::string text(DataTypeName(type.element));
  if (!type.shape) return text;
  std::vector<std::string> dims;
  for (const Dim& dim : *type.shape) {
    dims.push_back(dim.known() ? std::to_string(dim.value) : dim.symbol.empty() ? "?" : dim.symbol);
  }
  return text + Join(dims);
}

std::string PrintGraph(const Graph& graph) {
  std::string out;
  Print(graph, "", out);
  return out;
}

}  // namespace qconvert
