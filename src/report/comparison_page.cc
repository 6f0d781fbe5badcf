#include <string>

#include "json_text.h"
#include "qconvert/base/error.h"
#include "qconvert/base/metric.h"
#include "qconvert/report/file_comparison.h"

namespace qconvert {
namespace {

Json NodeJson(const ComparedNode& node) {
  Json json = {{"name", EscapeWhole(node.name)},
               {"op_type", EscapeWhole(node.op_type)},
               {"computes", node.is_quantized ? "quantized" : "float"},
               {"format", node.noise ? "compared" : "in A only"},
               {"reads", node.reads}};
  if (node.noise) json["sqnr_behind_db"] = SqnrOfNoise(*node.noise);
  return json;
}

}  // namespace

std::string ComparisonPageJson(const FileComparison& comparison, const std::string& exit_class) {
  // The page reads one form of document: what it calls input and output are a and b here.
  Json json = Json::parse(FileComparisonJson(comparison, exit_class));
  json["input"] = json["a"];
  json["output"] = json["b"];
  json["measured"] = {{"samples", 0}, {"why_none", "two files are compared as they are"}};
  Json layers = Json::array();
  for (const ComparedNode& node : comparison.nodes) layers.push_back(NodeJson(node));
  json["layers"] = std::move(layers);
  return json.dump() + "\n";
}

}  // namespace qconvert
