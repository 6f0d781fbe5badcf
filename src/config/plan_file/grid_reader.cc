#include "plan_file/grid_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "text/node_edit.h"
#include "text/setting_table.h"
#include "words.h"

namespace qconvert {
namespace {

// The words of `type` in plan_file_tables.cc.
constexpr std::array kTypes = {DataType::kInt8,   DataType::kUint8,   DataType::kInt16,
                               DataType::kUint16, DataType::kFloat16, DataType::kBfloat16};

class GridReader {
 public:
  GridReader(const ConfigNode& entry, ConfigProblems& problems)
      : entry_(entry), problems_(problems) {}

  FileGrid Read() {
    grid_.place = grid_.scale_place = entry_.place;
    const ConfigNode* type = FindValue(entry_, "type");
    if (type == nullptr) return grid_;  // told
    // The table lets no other word pass.
    grid_.params.type = *std::find_if(kTypes.begin(), kTypes.end(), [&](DataType one) {
      return DataTypeName(one) == type->scalar;
    });
    grid_.format.type = grid_.params.type;
    if (const ConfigNode* round = FindValue(entry_, "round"))
      grid_.format.round = Rounder(*FromWord<RoundMode>(round->scalar));
    // The range of codes first: zero points are held against it.
    if (grid_.format.is_integer()) {
      ReadFormat();
      ReadScales();
      ReadZeroPoints();
    } else {
      for (const char* key : {"codes", "scale", "zero_point", "axis"}) {
        if (const ConfigNode* given = FindValue(entry_, key))
          problems_.Add(given->place, fmt::format("{} has no use with {}", key, type->scalar));
      }
    }
    return grid_;
  }

 private:
  void ReadFormat() {
    const NumericFormat full = FullFormat(grid_.params.type);
    const auto codes = ReadCodes(entry_, {full.qmin, full.qmax}, problems_);
    grid_.format.qmin = codes ? static_cast<int32_t>(codes->min) : full.qmin;
    grid_.format.qmax = codes ? static_cast<int32_t>(codes->max) : full.qmax;
  }

  void ReadScales() {
    const ConfigNode* scale = entry_.Find("scale");
    if (scale == nullptr) return problems_.Add(entry_.place, "scale is missing");
    grid_.scale_place = scale->place;
    const bool is_list = scale->kind == ConfigNode::Kind::kSequence;
    if (is_list && scale->items.empty())
      problems_.Add(scale->place, "scale is an empty list, expected one number per slice");
    for (size_t i = 0; i < (is_list ? scale->items.size() : 1); ++i)
      grid_.params.scales.push_back(Scale(is_list ? scale->items[i] : *scale));
    const ConfigNode* axis = FindValue(entry_, "axis");
    if (axis == nullptr) return;
    grid_.params.axis = AsInteger(*axis);
    if (!is_list) problems_.Add(axis->place, "axis has no use with one scale, expected a list");
  }

  float Scale(const ConfigNode& node) {
    constexpr float kLeast = std::numeric_limits<float>::min();
    constexpr float kMost = std::numeric_limits<float>::max();
    const auto number = node.quoted || node.kind != ConfigNode::Kind::kScalar
                            ? std::nullopt
                            : FindNumber(node.scalar);
    if (number && *number >= kLeast && *number <= kMost) return static_cast<float>(*number);
    problems_.Add(node.place, fmt::format("scale is '{}', expected a number from {} to {}",
                                          node.Shown(), kLeast, kMost));
    // Told; later checks may divide by it.
    return 1;
  }

  void ReadZeroPoints() {
    std::vector<int32_t>& points = grid_.params.zero_points;
    const size_t count = grid_.params.scales.size();
    const ConfigNode* given = FindValue(entry_, "zero_point");
    if (given == nullptr || given->kind != ConfigNode::Kind::kSequence) {
      const int32_t point = given == nullptr ? 0 : ZeroPoint(*given);
      // One number, or none, stands for all scales.
      return points.assign(count, point);
    }
    for (const ConfigNode& item : given->items) points.push_back(ZeroPoint(item));
    if (points.size() == count) return;
    problems_.Add(given->place, fmt::format("zero_point has {} numbers, expected {}, one per scale",
                                            points.size(), count));
    // Told; later checks may count on one for each scale.
    points.resize(count, 0);
  }

  int32_t ZeroPoint(const ConfigNode& node) {
    const auto number = FindInteger(node);
    if (number && *number >= grid_.format.qmin && *number <= grid_.format.qmax)
      return static_cast<int32_t>(*number);
    problems_.Add(node.place,
                  fmt::format("zero_point is '{}', expected a whole number from {} to {}",
                              node.Shown(), grid_.format.qmin, grid_.format.qmax));
    return 0;
  }

  const ConfigNode& entry_;
  ConfigProblems& problems_;
  FileGrid grid_;
};

}  // namespace

FileGrid ReadGrid(const ConfigNode& entry, ConfigProblems& problems) {
  return GridReader(entry, problems).Read();
}

std::vector<double> ReadNumbers(const ConfigNode& map, std::string_view key, size_t count,
                                ConfigProblems& problems) {
  const ConfigNode* list = FindValue(map, key);
  if (list == nullptr) return {};
  std::vector<double> numbers;
  for (const ConfigNode& item : list->items) {
    const auto number = item.quoted ? std::nullopt : FindNumber(item.scalar);
    if (number) numbers.push_back(*number);
  }
  const bool sound = list->kind == ConfigNode::Kind::kSequence &&
                     numbers.size() == list->items.size() && !numbers.empty() &&
                     (count == 0 || numbers.size() == count);
  if (sound) return numbers;
  problems.Add(list->place,
               fmt::format("{} is '{}', expected a list of {}numbers", key, list->Shown(),
                           count == 0 ? "" : fmt::format("{} ", count)));
  return {};
}

std::optional<CodeRange> ReadCodes(const ConfigNode& map, CodeRange bounds,
                                   ConfigProblems& problems) {
  const ConfigNode* codes = FindValue(map, "codes");
  if (codes == nullptr) return std::nullopt;
  if (codes->kind == ConfigNode::Kind::kSequence && codes->items.size() == 2) {
    const auto low = FindInteger(codes->items[0]);
    const auto high = FindInteger(codes->items[1]);
    // A grid of one code would have a step of infinity.
    if (low && high && *low >= bounds.min && *high <= bounds.max && *low < *high)
      return CodeRange{*low, *high};
  }
  problems.Add(codes->place,
               fmt::format("codes is not a lowest and a highest code, expected two whole numbers "
                           "from {} to {}",
                           bounds.min, bounds.max));
  return std::nullopt;
}

}  // namespace qconvert
