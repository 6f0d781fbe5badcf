#include "read_transforms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "text/node_edit.h"
#include "words.h"

namespace qconvert {
namespace {

using Kind = CalibTransform::Kind;

// That of dataset/picture.h, which stands above this folder.
constexpr double kMaxSide = 65536;
constexpr double kWhite = 255;
constexpr int64_t kDefaultMultiple = 128;

constexpr std::array kSteps = {std::pair{"resize", Kind::kResize},
                               std::pair{"center_crop", Kind::kCenterCrop},
                               std::pair{"letterbox", Kind::kLetterbox},
                               std::pair{"pad", Kind::kPad},
                               std::pair{"color", Kind::kColor},
                               std::pair{"layout", Kind::kLayout},
                               std::pair{"mean", Kind::kMean},
                               std::pair{"scale", Kind::kScale},
                               std::pair{"std", Kind::kStd}};

Setting Side(std::string name, std::string fallback, std::string help) {
  return {.name = std::move(name),
          .kind = Setting::Kind::kInteger,
          .fallback = std::move(fallback),
          .example = "256",
          .help = std::move(help),
          .min = 1,
          .max = kMaxSide};
}

Setting Size(std::string help) {
  return {.name = "size",
          .kind = Setting::Kind::kAnything,
          .fallback = "the input's",
          .example = "[224, 224]",
          .help = std::move(help)};
}

template <typename E>
Setting Choice(std::string name, E fallback, std::string help) {
  return {.name = std::move(name),
          .kind = Setting::Kind::kWord,
          .fallback = WordFor(fallback),
          .example = WordFor(fallback),
          .help = std::move(help),
          .words = AllWords<E>()};
}

Setting Fill() {
  return {.name = "fill",
          .kind = Setting::Kind::kInteger,
          .fallback = "127",
          .example = "114",
          .help = "level of the pixels around the picture",
          .min = 0,
          .max = kWhite};
}

Setting Method() {
  return Choice("method", ResizeMethod::kAntialias,
                "antialias: Pillow's BILINEAR; bilinear: OpenCV's INTER_LINEAR; nearest");
}

const SettingTable& ResizeTable() {
  static const SettingTable table{
      "resize",
      {Size("height and width"),
       Side("short_side", "none", "instead: the short side, the ratio is kept"), Method()}};
  return table;
}

const SettingTable& CropTable() {
  static const SettingTable table{"center_crop", {Size("height and width of the middle")}};
  return table;
}

const SettingTable& LetterboxTable() {
  static const SettingTable table{
      "letterbox",
      {Size("height and width that the picture is made to fit into"), Method(), Fill(),
       Choice("position", PicturePosition::kCenter, "where the picture lies")}};
  return table;
}

const SettingTable& PadTable() {
  static const SettingTable table{
      "pad",
      {Size("height and width, at least the picture's"),
       Side("multiple", "128 without size", "instead: the next multiples of it"), Fill(),
       Choice("position", PicturePosition::kTopLeft, "where the picture lies")}};
  return table;
}

Setting Step(std::string name, const SettingTable& table, std::string help) {
  return {.name = std::move(name),
          .kind = Setting::Kind::kObject,
          .fallback = "none",
          .example = "{}",
          .help = std::move(help),
          .object = &table};
}

Setting Numbers(std::string name, std::string example, std::string help) {
  return {.name = std::move(name),
          .kind = Setting::Kind::kAnything,
          .fallback = "none",
          .example = std::move(example),
          .help = std::move(help)};
}

std::vector<std::string> ColorWords() {
  std::vector<std::string> words = AllWords<InputKind>();
  // What no picture can become here: a feature map is no color, NV12 has two planes of another
  // size.
  std::erase(words, WordFor(InputKind::kFeaturemap));
  std::erase(words, WordFor(InputKind::kNv12));
  return words;
}

const SettingTable& TransformTable() {
  static const SettingTable table{
      "a step of calib_transforms",
      {Step("resize", ResizeTable(), "another size"),
       Step("center_crop", CropTable(), "the middle"),
       Step("letterbox", LetterboxTable(), "another size with the ratio kept, filled up"),
       Step("pad", PadTable(), "filled up"),
       {.name = "color",
        .kind = Setting::Kind::kWord,
        .fallback = "none",
        .example = "bgr",
        .help = "what RGB becomes; yuv444 is BT.601 of full range",
        .words = ColorWords()},
       {.name = "layout",
        .kind = Setting::Kind::kWord,
        .fallback = "none",
        .example = "NHWC",
        .help = "order of the axes",
        .words = {WordFor(InputLayout::kNchw), WordFor(InputLayout::kNhwc)}},
       Numbers("mean", "[123.675, 116.28, 103.53]",
               "subtracted from levels of 0..255: a number, or one per channel"),
       Numbers("scale", "0.017", "multiplied afterwards"),
       Numbers("std", "[58.395, 57.12, 57.375]", "divided by afterwards, excludes scale")}};
  return table;
}

class TransformReader {
 public:
  explicit TransformReader(ConfigProblems& problems) : problems_(problems) {}

  std::vector<CalibTransform> Read(const ConfigNode& list) {
    std::vector<CalibTransform> steps;
    for (const ConfigNode& item : list.items) {
      if (item.kind != ConfigNode::Kind::kMap) continue;  // told already, or null
      if (item.entries.size() != 1) {
        problems_.Add(item.place,
                      fmt::format("a step of calib_transforms has {} keys, expected one",
                                  item.entries.size()));
        continue;
      }
      const ConfigNode& key = item.entries[0].key;
      const ConfigNode& value = item.entries[0].value;
      const auto* const named = std::find_if(
          kSteps.begin(), kSteps.end(), [&](const auto& one) { return one.first == key.scalar; });
      // Told by the table.
      if (named == kSteps.end() || value.kind == ConfigNode::Kind::kNull) continue;
      CheckOrder(named->second, key);
      steps.push_back(ReadStep(named->second, key.scalar, value));
    }
    return steps;
  }

 private:
  // Levels are numbers only once all pixels are where they belong.
  void CheckOrder(Kind kind, const ConfigNode& key) {
    // Steps on pixels may come again; of each kind from kColor on one can hold.
    // The enumerators stand in the order of steps.
    if (kind >= Kind::kColor && !once_.insert(kind).second)
      problems_.Add(key.place, fmt::format("calib_transforms has {} twice", key.scalar));
    if (kind < Kind::kMean && has_numbers_) {
      problems_.Add(key.place,
                    fmt::format("{} comes after mean, scale or std, expected before", key.scalar));
    }
    has_numbers_ = has_numbers_ || kind >= Kind::kMean;
    // At the second of both.
    if (once_.contains(Kind::kScale) && once_.contains(Kind::kStd) && kind >= Kind::kScale)
      problems_.Add(key.place, "scale and std are both given, expected one");
  }

  CalibTransform ReadStep(Kind kind, const std::string& name, const ConfigNode& value) {
    CalibTransform step{.kind = kind};
    switch (kind) {
      case Kind::kColor:
        // The table has refused all other words: they are null, and never come here.
        step.color = *FromWord<InputKind>(value.scalar);
        break;
      case Kind::kLayout:
        step.layout = *FromWord<InputLayout>(value.scalar);
        break;
      case Kind::kMean:
      case Kind::kScale:
      case Kind::kStd:
        ReadNumbers(name, value, step);
        break;
      default:
        ReadGeometry(name, value, step);
    }
    return step;
  }

  void ReadGeometry(const std::string& name, const ConfigNode& map, CalibTransform& step) {
    if (step.kind == Kind::kPad) step.position = PicturePosition::kTopLeft;
    if (const ConfigNode* value = FindValue(map, "method"))
      step.method = *FromWord<ResizeMethod>(value->scalar);
    if (const ConfigNode* value = FindValue(map, "position"))
      step.position = *FromWord<PicturePosition>(value->scalar);
    if (const ConfigNode* value = FindValue(map, "fill"))
      step.fill = static_cast<int>(AsInteger(*value));
    const ConfigNode* size = FindValue(map, "size");
    if (size != nullptr) ReadSize(*size, step);
    for (const auto& [key, member] : {std::pair{"short_side", &CalibTransform::short_side},
                                      std::pair{"multiple", &CalibTransform::multiple}}) {
      const ConfigNode* value = FindValue(map, key);
      if (value == nullptr) continue;
      step.*member = AsInteger(*value);
      if (size != nullptr)
        problems_.Add(value->place, fmt::format("{} has size and {}, expected one", name, key));
    }
    // A bare `pad: {}` is the common case of a network that halves its input seven times.
    if (step.kind == Kind::kPad && size == nullptr && step.multiple == 0)
      step.multiple = kDefaultMultiple;
  }

  void ReadSize(const ConfigNode& size, CalibTransform& step) {
    const auto side = [](const ConfigNode& node) {
      const auto number = FindInteger(node);
      return number && *number >= 1 && *number <= static_cast<int64_t>(kMaxSide) ? number
                                                                                 : std::nullopt;
    };
    const bool is_pair = size.items.size() == 2;
    const auto height = is_pair ? side(size.items[0]) : std::nullopt;
    const auto width = is_pair ? side(size.items[1]) : std::nullopt;
    if (!height || !width) {
      problems_.Add(size.place, fmt::format("size is '{}', expected [HEIGHT, WIDTH] of 1 to {}",
                                            size.Shown(), kMaxSide));
      return;
    }
    step.height = *height;
    step.width = *width;
  }

  void ReadNumbers(const std::string& name, const ConfigNode& value, CalibTransform& step) {
    const bool is_list = value.kind == ConfigNode::Kind::kSequence;
    const size_t count = is_list ? value.items.size() : 1;
    for (size_t i = 0; i < count; ++i) {
      const ConfigNode& one = is_list ? value.items[i] : value;
      const auto number = one.kind == ConfigNode::Kind::kScalar && !one.quoted
                              ? FindLevel(one.scalar)
                              : std::nullopt;
      // Divided by both: by std here, by scale where levels are shown again.
      if (number && (step.kind == Kind::kMean || *number != 0)) step.numbers.push_back(*number);
    }
    if (step.numbers.size() == count && (count == 1 || count == 3)) return;
    problems_.Add(value.place,
                  fmt::format("{} is '{}', expected a{} number, or a list of three", name,
                              value.Shown(), step.kind == Kind::kMean ? "" : " nonzero"));
  }

  ConfigProblems& problems_;
  std::set<Kind> once_;
  bool has_numbers_ = false;
};

}  // namespace

Setting TransformsSetting() {
  return {.name = "calib_transforms",
          .kind = Setting::Kind::kObjects,
          .fallback = "what the input says",
          .example = "[{resize: {short_side: 256}}, {center_crop: {}}]",
          .help = "ours: what becomes of pictures, see below",
          .object = &TransformTable()};
}

std::optional<double> FindLevel(std::string_view text) {
  constexpr auto kLeast = static_cast<double>(std::numeric_limits<float>::min());
  const auto number = FindNumber(text);
  const double magnitude = std::abs(number.value_or(0));
  return magnitude == 0 || (magnitude >= kLeast && magnitude <= 1 / kLeast) ? number : std::nullopt;
}

std::vector<CalibTransform> ReadTransforms(const ConfigNode& list, ConfigProblems& problems) {
  return TransformReader(problems).Read(list);
}

}  // namespace qconvert
