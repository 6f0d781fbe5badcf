// Any text is either refused as a plan file, each problem in one line, or holds grids that codes
// can be made of.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "qconvert/base/error.h"
#include "qconvert/config/plan_file.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckGrid(const qconvert::FileGrid& grid) {
  if (!grid.format.is_integer()) return;
  Require(!grid.params.scales.empty());
  Require(grid.params.scales.size() == grid.params.zero_points.size());
  Require(grid.format.qmin < grid.format.qmax);
  for (const float scale : grid.params.scales) Require(std::isnormal(scale) && scale > 0);
  for (const int32_t point : grid.params.zero_points)
    Require(point >= grid.format.qmin && point <= grid.format.qmax);
}

void CheckAll(const qconvert::PlanFile& file) {
  for (const qconvert::FileNode& node : file.nodes) {
    for (const qconvert::FileWeight& weight : node.weights) CheckGrid(weight.grid);
    for (const qconvert::FileOperand& operand : node.operands) CheckGrid(operand.grid);
    if (node.bias) Require(std::isfinite(node.bias->scale) && node.bias->qmin <= node.bias->qmax);
  }
  for (const qconvert::FileValue& value : file.values) CheckGrid(value.grid);
  for (const qconvert::FileStored& stored : file.stored) CheckGrid(stored.grid);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    CheckAll(qconvert::ParsePlanFile(text, "fuzz.json"));
  } catch (const qconvert::ConfigError& e) {
    for (const std::string& problem : e.problems())
      Require(problem.find('\n') == std::string::npos);
  }
  return 0;
}
