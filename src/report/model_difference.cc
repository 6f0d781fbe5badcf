#include "qconvert/report/model_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "json_text.h"
#include "qconvert/ir/graph_printer.h"

namespace qconvert {
namespace {

constexpr size_t kMostLine = 120;  // characters of a text that is shown

std::string ElementText(const Tensor& tensor, size_t index) {
  switch (tensor.type) {
    case DataType::kFloat:
      return fmt::format("{}", tensor.values<float>()[index]);
    case DataType::kInt8:
      return fmt::format("{}", tensor.values<int8_t>()[index]);
    case DataType::kUint8:
      return fmt::format("{}", tensor.values<uint8_t>()[index]);
    case DataType::kInt16:
      return fmt::format("{}", tensor.values<int16_t>()[index]);
    case DataType::kUint16:
      return fmt::format("{}", tensor.values<uint16_t>()[index]);
    case DataType::kInt32:
      return fmt::format("{}", tensor.values<int32_t>()[index]);
    case DataType::kInt64:
      return fmt::format("{}", tensor.values<int64_t>()[index]);
    default:
      // Of rare types it is told that they differ, not how.
      return "another";
  }
}

std::string TypeText(const Tensor& tensor) {
  return fmt::format("{}[{}]", DataTypeName(tensor.type), fmt::join(tensor.dims, ","));
}

void DiffTensors(const Tensor& found, const Tensor& expected, std::vector<Difference>& out) {
  const std::string where = "tensor " + Text(expected.name);
  if (found.type != expected.type || found.dims != expected.dims) {
    out.push_back({where, TypeText(found), TypeText(expected)});
  } else if (found.strings != expected.strings) {
    out.push_back({where, "other strings", "its own"});
  } else if (found.bytes != expected.bytes && *found.bytes != *expected.bytes) {
    const auto [a, b] =
        std::mismatch(found.bytes->begin(), found.bytes->end(), expected.bytes->begin());
    const auto at = static_cast<size_t>(a - found.bytes->begin());
    // Types under a byte are told by byte.
    const size_t width = std::max<size_t>(static_cast<size_t>(BitsOf(found.type)) / 8, 1);
    out.push_back({where,
                   fmt::format("element {} is {}", at / width, ElementText(found, at / width)),
                   ElementText(expected, at / width)});
  } else if (found.doc != expected.doc) {
    out.push_back({where, "another doc_string", "its own"});
  }
}

// By key: what differs, what lacks, what is too much.
template <typename Map, typename Compare>
void DiffMaps(const std::string& kind, const Map& found, const Map& expected,
              const Compare& compare, std::vector<Difference>& out) {
  for (const auto& [key, value] : expected) {
    const auto it = found.find(key);
    if (it == found.end()) {
      out.push_back({kind + " " + Text(key), "missing", "there"});
    } else {
      compare(it->second, value, key);
    }
  }
  for (const auto& [key, value] : found) {
    if (!expected.contains(key)) out.push_back({kind + " " + Text(key), "unknown", ""});
  }
}

void DiffTexts(const std::string& where, const std::string& found, const std::string& expected,
               std::vector<Difference>& out) {
  if (found != expected)
    out.push_back({where, "'" + Text(found) + "'", "'" + Text(expected) + "'"});
}

void DiffMetadata(const Metadata& found, const Metadata& expected, std::vector<Difference>& out) {
  // By key: the order of entries means nothing.
  const std::map<std::string, std::string> a(found.begin(), found.end());
  const std::map<std::string, std::string> b(expected.begin(), expected.end());
  DiffMaps(
      "metadata", a, b,
      [&](const std::string& x, const std::string& y, const std::string& key) {
        DiffTexts("metadata " + Text(key), x, y, out);
      },
      out);
}

std::string NodeText(const Node& node) {
  // The printer knows graphs: one of this node alone.
  Graph alone;
  alone.nodes.push_back(node);
  std::string text = PrintGraph(alone);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void DiffNodes(const std::vector<Node>& found, const std::vector<Node>& expected,
               std::vector<Difference>& out) {
  if (found.size() != expected.size())
    out.push_back({"nodes", std::to_string(found.size()), std::to_string(expected.size())});
  // In order: a node too many makes all behind it differ, so both numbers are told first.
  for (size_t k = 0; k < std::min(found.size(), expected.size()); ++k) {
    const Node& node = expected[k];
    const std::string where =
        node.name.empty() ? fmt::format("node {}", k) : "node " + Text(node.name);
    DiffTexts(where + " name", found[k].name, node.name, out);
    DiffTexts(where, NodeText(found[k]), NodeText(node), out);
    DiffTexts(where + " doc_string", found[k].doc, node.doc, out);
  }
}

void DiffValues(const std::string& kind, const std::vector<Value>& found,
                const std::vector<Value>& expected, std::vector<Difference>& out) {
  const auto text = [](const Value& value) { return value.name + " " + PrintType(value.type); };
  for (size_t k = 0; k < std::max(found.size(), expected.size()); ++k) {
    DiffTexts(fmt::format("{} {}", kind, k), k < found.size() ? text(found[k]) : "",
              k < expected.size() ? text(expected[k]) : "", out);
  }
}

}  // namespace

std::string Difference::Line() const {
  return fmt::format("{}: {}{}", where, found, expected.empty() ? "" : ", expected " + expected);
}

std::vector<Difference> DiffModels(const Model& found, const Model& expected) {
  std::vector<Difference> out;
  // From the whole to its parts: tables show the first few differences.
  DiffMetadata(found.metadata, expected.metadata, out);
  DiffTexts("ir_version", std::to_string(found.ir_version), std::to_string(expected.ir_version),
            out);
  DiffTexts("model_version", std::to_string(found.model_version),
            std::to_string(expected.model_version), out);
  DiffTexts("producer", found.producer_name + " " + found.producer_version,
            expected.producer_name + " " + expected.producer_version, out);
  DiffTexts("domain", found.domain, expected.domain, out);
  DiffTexts("doc_string", found.doc, expected.doc, out);
  DiffTexts("graph name", found.graph.name, expected.graph.name, out);
  DiffMaps(
      "opset", found.opsets, expected.opsets,
      [&](int64_t a, int64_t b, const std::string& domain) {
        DiffTexts("opset of '" + Text(domain) + "'", std::to_string(a), std::to_string(b), out);
      },
      out);
  DiffMaps(
      "tensor", found.graph.initializers, expected.graph.initializers,
      [&](const Tensor& a, const Tensor& b, const std::string& /*name*/) {
        DiffTensors(a, b, out);
      },
      out);
  DiffNodes(found.graph.nodes, expected.graph.nodes, out);
  DiffValues("input", found.graph.inputs, expected.graph.inputs, out);
  DiffValues("output", found.graph.outputs, expected.graph.outputs, out);
  return out;
}

std::vector<Difference> DiffLines(const std::string& what, const std::string& found,
                                  const std::string& expected) {
  std::vector<Difference> out;
  std::istringstream a(found);
  std::istringstream b(expected);
  const auto shown = [](const std::string& line) { return Text(line.substr(0, kMostLine)); };
  // The last round may find nothing on both sides, which is no difference.
  for (size_t number = 1; a || b; ++number) {
    std::string line_a;
    std::string line_b;
    const bool has_a = static_cast<bool>(std::getline(a, line_a));
    const bool has_b = static_cast<bool>(std::getline(b, line_b));
    if (has_a != has_b || line_a != line_b)
      DiffTexts(fmt::format("{} line {}", what, number), has_a ? shown(line_a) : "nothing",
                has_b ? shown(line_b) : "nothing", out);
  }
  return out;
}

}  // namespace qconvert
