#include "qconvert/report/lint_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "json_text.h"

namespace qconvert {
namespace {

constexpr size_t kNameWidth = 40;
constexpr size_t kShownNodes = 20;  // of each rule; --json has all

std::string Row(const LintedNode& node) {
  return fmt::format("    {}  {}\n      at {}: {}, wanted {}\n", ShortText(node.name, kNameWidth),
                     Text(node.op_type), ShortText(node.broken.value, kNameWidth),
                     Text(node.broken.found), Text(node.broken.wanted));
}

}  // namespace

size_t Lint::Count(LintedNode::Kind kind) const {
  return static_cast<size_t>(std::count_if(
      nodes.begin(), nodes.end(), [&](const LintedNode& node) { return node.kind == kind; }));
}

std::map<std::string, size_t> Lint::CountByType(LintedNode::Kind kind) const {
  std::map<std::string, size_t> counts;
  for (const LintedNode& node : nodes)
    if (node.kind == kind) ++counts[node.op_type];
  return counts;
}

std::string FormatLint(const Lint& lint) {
  std::string out =
      fmt::format("{} on {}\n  {} integer, {} computed with them, {} float\n", Text(lint.model),
                  lint.target, lint.Count(LintedNode::Kind::kInteger),
                  lint.Count(LintedNode::Kind::kAbsorbed), lint.Count(LintedNode::Kind::kFloat));
  if (!lint.holds_codes) {
    return out + "  no operator is quantized: the file has neither pairs nor quantized operators\n";
  }
  for (const auto& [type, count] : lint.CountByType(LintedNode::Kind::kInteger))
    out += fmt::format("  {:>5} x {} on integers\n", count, Text(type));
  // Told apart from float: of these the rules say nothing.
  if (const size_t unknown = lint.Count(LintedNode::Kind::kUnknown); unknown > 0)
    out += fmt::format("  {:>5} x not judged, in bodies whose types are not known\n", unknown);
  if (const size_t uncertain = lint.Count(LintedNode::Kind::kUncertain); uncertain > 0)
    out += fmt::format(
        "  {:>5} x not judged, beside int8 codes of a Transpose that the engine may move\n",
        uncertain);
  std::map<std::string, std::vector<const LintedNode*>> by_rule;
  for (const LintedNode& node : lint.nodes)
    if (node.kind == LintedNode::Kind::kFloat) by_rule[node.broken.rule].push_back(&node);
  for (const auto& [rule, nodes] : by_rule) {
    out += fmt::format("  {:>5} x float, rule \"{}\"\n", nodes.size(), rule);
    for (size_t i = 0; i < std::min(nodes.size(), kShownNodes); ++i) out += Row(*nodes[i]);
    if (nodes.size() > kShownNodes)
      out += fmt::format("    and {} more, --json has them\n", nodes.size() - kShownNodes);
  }
  return out;
}

std::string LintJson(const Lint& lint, const std::string& exit_class) {
  Json types = Json::object();
  for (const auto& [type, count] : lint.CountByType(LintedNode::Kind::kInteger))
    types[Text(type)] = count;
  Json nodes = Json::array();
  for (const LintedNode& node : lint.nodes) {
    if (node.kind != LintedNode::Kind::kFloat) continue;
    nodes.push_back({{"name", Text(node.name)},
                     {"op_type", Text(node.op_type)},
                     {"rule", node.broken.rule},
                     {"at", Text(node.broken.value)},
                     {"found", Text(node.broken.found)},
                     {"wanted", Text(node.broken.wanted)}});
  }
  const Json json = {{"exit", exit_class},
                     {"model", Text(lint.model)},
                     {"target", lint.target},
                     {"quantized", lint.holds_codes},
                     {"integer_nodes", lint.Count(LintedNode::Kind::kInteger)},
                     {"integer_types", std::move(types)},
                     {"absorbed_nodes", lint.Count(LintedNode::Kind::kAbsorbed)},
                     {"unjudged_nodes", lint.Count(LintedNode::Kind::kUnknown) +
                                            lint.Count(LintedNode::Kind::kUncertain)},
                     {"float_nodes", std::move(nodes)}};
  return json.dump(2) + "\n";
}

}  // namespace qconvert
