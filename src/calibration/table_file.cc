#include "qconvert/calibration/table_file.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "qconvert/base/error.h"

namespace qconvert {
namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "qconvert calibration table";
constexpr int kVersion = 1;
constexpr int kMaxExponent = 128;  // 2^128 is above every float
// So that sums over shards do not overflow; of values, over tables fewer than 2^17.
constexpr int64_t kMaxSamples = 1'000'000'000'000;
constexpr int64_t kMaxBatchSize = 1'000'000'000;
constexpr int64_t kMaxValues = int64_t{1} << 46;

// Names in a model need not be UTF-8, JSON must be: every other byte is U+00XX.
std::string ToUtf8(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xC0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return out;
}

std::string FromUtf8(const std::string& text, const std::string& place) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      out += text[i];
    } else if ((byte == 0xC2 || byte == 0xC3) && i + 1 < text.size()) {
      // U+0080 to U+00FF have two bytes, the first of which is C2 or C3.
      out += static_cast<char>(((byte & 3) << 6) | (static_cast<unsigned char>(text[++i]) & 0x3F));
    } else {
      throw Error(ExitCode::kData, place,
                  fmt::format("has the name \"{}\", which none of its "
                              "tables can have",
                              text));
    }
  }
  return out;
}

// By question: min, max, min, max, ...
Json BatchesJson(const std::map<std::string, std::vector<Range>>& batches) {
  Json json = Json::object();
  for (const auto& [key, ranges] : batches) {
    Json bounds = Json::array();
    for (const Range& range : ranges) {
      bounds.push_back(range.min);
      bounds.push_back(range.max);
    }
    json[key] = std::move(bounds);
  }
  return json;
}

Json ValueJson(const CalibrationTable& table, const std::string& name) {
  const TensorStatistics& statistics = table.values.at(name);
  Json json = {{"count", statistics.count},
               {"inf", statistics.inf_count},
               {"max", statistics.max},
               {"min", statistics.min}};
  const auto infinite = table.infinite.find(name);
  if (infinite != table.infinite.end())
    json["inf_first"] = {infinite->second.index, ToUtf8(infinite->second.name)};
  const auto batches = table.batches.find(name);
  if (batches != table.batches.end()) json["batches"] = BatchesJson(batches->second);
  const auto& counts = statistics.histogram.counts();
  if (counts.empty()) return json;
  json["exponent"] = statistics.histogram.exponent();
  Json bins = Json::array();  // index, count, index, count, ...
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    bins.push_back(i);
    bins.push_back(counts[i]);
  }
  json["bins"] = std::move(bins);
  return json;
}

class TableReader {
 public:
  TableReader(const Json& root, const std::string& place) : root_(root), place_(place) {}

  StoredTable Read() {
    StoredTable out;
    if (root_.contains("tool")) out.tool = Text(root_, "tool");
    if (root_.contains("engine")) out.engine = Text(root_, "engine");
    if (root_.contains("graph_sha256")) out.graph_sha256 = Text(root_, "graph_sha256");
    out.model_sha256 = Text(root_, "model_sha256");
    out.data_sha256 = Text(root_, "data_sha256");
    out.shard.index = static_cast<size_t>(Integer(root_, "shard", 0, kMaxShards - 1));
    out.shard.count = static_cast<size_t>(Integer(root_, "shards", 1, kMaxShards));
    if (out.shard.index >= out.shard.count) Refuse("has a shard beyond its number of shards");
    out.table.samples = static_cast<size_t>(Integer(root_, "samples", 0, kMaxSamples));
    out.table.batch_size = static_cast<size_t>(Integer(root_, "batch_size", 1, kMaxBatchSize));
    batches_ = BatchCount(out.table.samples, out.table.batch_size);
    out.is_complete = !root_.contains("checkpoint");
    for (const auto& [name, size] : Object("sizes").items()) {
      if (!size.is_number_integer() || size.get<int64_t>() < 0)
        Refuse(fmt::format("has no usable size for \"{}\"", name));
      out.sizes.emplace(FromUtf8(name, place_), size.get<int64_t>());
    }
    for (const auto& [name, value] : Object("values").items()) {
      what_ = fmt::format("value \"{}\"", name);
      const std::string known = FromUtf8(name, place_);
      out.table.values.emplace(known, Value(value));
      if (value.contains("inf_first")) out.table.infinite.emplace(known, First(value["inf_first"]));
      if (value.contains("batches")) out.table.batches.emplace(known, Batches(value["batches"]));
    }
    return out;
  }

 private:
  [[noreturn]] void Refuse(const std::string& message) const {
    throw Error(ExitCode::kData, place_, what_.empty() ? message : what_ + " " + message);
  }

  const Json& Object(const char* key) const {
    const auto it = root_.find(key);
    if (it == root_.end() || !it->is_object()) Refuse(fmt::format("has no {}", key));
    return *it;
  }

  std::string Text(const Json& object, const char* key) const {
    const auto it = object.find(key);
    if (it == object.end() || !it->is_string()) Refuse(fmt::format("has no {}", key));
    return it->get<std::string>();
  }

  int64_t Integer(const Json& object, const char* key, int64_t least, int64_t most) const {
    const auto it = object.find(key);
    if (it == object.end() || !it->is_number_integer())
      Refuse(fmt::format("has no usable {}", key));
    // From 2^63 on a number is unsigned and would come out negative.
    const bool fits = !it->is_number_unsigned() || std::in_range<int64_t>(it->get<uint64_t>());
    if (!fits || it->get<int64_t>() < least || it->get<int64_t>() > most) {
      Refuse(fmt::format("has no usable {}: {}, expected {} to {}", key, it->dump(), least, most));
    }
    return it->get<int64_t>();
  }

  float Number(const Json& object, const char* key) const {
    const auto it = object.find(key);
    if (it == object.end() || !it->is_number()) Refuse(fmt::format("has no {}", key));
    const auto number = static_cast<float>(it->get<double>());
    // A double beyond the floats has become infinite in the conversion.
    if (!std::isfinite(number)) Refuse(fmt::format("has a {} that is not finite", key));
    return number;
  }

  TensorStatistics Value(const Json& json) const {
    if (!json.is_object()) Refuse("is no object");
    TensorStatistics out;
    out.count = Integer(json, "count", 0, kMaxValues);
    out.inf_count = Integer(json, "inf", 0, kMaxValues);
    out.min = Number(json, "min");
    out.max = Number(json, "max");
    if (out.min > out.max) Refuse("has a min above its max");
    if (!json.contains("bins")) {
      if (out.count > 0) Refuse("has no histogram");
      return out;
    }
    const int64_t exponent = Integer(json, "exponent", Histogram::kMinExponent, kMaxExponent);
    out.histogram =
        Histogram::FromCounts(static_cast<int>(exponent), Counts(json["bins"], out.count));
    return out;
  }

  SampleAt First(const Json& json) const {
    if (!json.is_array() || json.size() != 2 || !json[0].is_number_unsigned() ||
        !json[1].is_string()) {
      Refuse("has no usable inf_first");
    }
    return {json[0].get<size_t>(), FromUtf8(json[1].get<std::string>(), place_)};
  }

  std::map<std::string, std::vector<Range>> Batches(const Json& json) const {
    std::map<std::string, std::vector<Range>> out;
    if (!json.is_object()) Refuse("has no usable batches");
    for (const auto& [key, bounds] : json.items()) {
      if (!bounds.is_array() || bounds.size() != 2 * batches_)
        Refuse(fmt::format("has not {} ranges of batches by \"{}\"", batches_, key));
      std::vector<Range>& ranges = out[key];
      for (size_t i = 0; i < bounds.size(); i += 2) {
        const Range range{Bound(bounds[i]), Bound(bounds[i + 1])};
        // Also for NaN, which compares with nothing.
        if (!(range.min <= 0 && range.max >= 0)) Refuse("has a range of a batch without 0");
        ranges.push_back(range);
      }
    }
    return out;
  }

  float Bound(const Json& json) const {
    // What is no number goes the way of what is not finite.
    const auto number = json.is_number() ? static_cast<float>(json.get<double>()) : NAN;
    if (!std::isfinite(number)) Refuse("has a range of a batch that is not finite");
    return number;
  }

  std::vector<uint64_t> Counts(const Json& bins, int64_t total) const {
    if (!bins.is_array() || bins.size() % 2 != 0) Refuse("has no usable bins");
    std::vector<uint64_t> counts(Histogram::kBins, 0);
    uint64_t sum = 0;
    for (size_t i = 0; i < bins.size(); i += 2) {
      if (!bins[i].is_number_unsigned() || !bins[i + 1].is_number_unsigned())
        Refuse("has no usable bins");
      const auto bin = bins[i].get<uint64_t>();
      const auto count = bins[i + 1].get<uint64_t>();
      // Each bin once: what is left of the total bounds the sum, so that it cannot overflow.
      if (bin >= counts.size() || counts[bin] != 0 || count == 0 ||
          count > static_cast<uint64_t>(total) - sum)
        Refuse("has bins that do not add up to its count");
      counts[bin] = count;
      sum += count;
    }
    if (sum != static_cast<uint64_t>(total)) Refuse("has bins that do not add up to its count");
    return counts;
  }

  const Json& root_;
  const std::string& place_;
  std::string what_;
  size_t batches_ = 0;  // of its shard
};

}  // namespace

std::string FormatTable(const StoredTable& stored) {
  const auto quoted = [](const std::string& text) { return Json(text).dump(); };
  std::string out = fmt::format(
      "{{\n\"format\": {},\n\"version\": {},\n\"tool\": {},\n\"engine\": {},\n\"graph_sha256\": "
      "{},\n\"model_sha256\": "
      "{},\n\"data_sha256\": {},\n"
      "\"shard\": {},\n\"shards\": {},\n\"samples\": {},\n\"batch_size\": {},{}\n\"sizes\": {{",
      quoted(kFormat), kVersion, quoted(stored.tool), quoted(stored.engine),
      quoted(stored.graph_sha256), quoted(stored.model_sha256), quoted(stored.data_sha256),
      stored.shard.index, stored.shard.count, stored.table.samples, stored.table.batch_size,
      stored.is_complete ? "" : "\n\"checkpoint\": true,");
  // By hand, a line a value: a table of thousands of values shows what changed, which one line of
  // JSON would not.
  const char* separator = "\n";
  for (const auto& [name, size] : stored.sizes) {
    fmt::format_to(std::back_inserter(out), "{}{}: {}", separator, quoted(ToUtf8(name)), size);
    separator = ",\n";
  }
  out += "\n},\n\"values\": {";
  separator = "\n";
  for (const auto& [name, statistics] : stored.table.values) {
    fmt::format_to(std::back_inserter(out), "{}{}: {}", separator, quoted(ToUtf8(name)),
                   ValueJson(stored.table, name).dump());
    separator = ",\n";
  }
  return out + "\n}\n}\n";
}

StoredTable ParseTable(const std::string& text, const std::string& place) {
  // Damage is told in our words and class, whatever the library would throw.
  const Json root = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const bool is_table = root.is_object() && root.contains("format") && root["format"] == kFormat;
  if (!is_table)
    throw Error(ExitCode::kData, place,
                "is no calibration table of qconvert, expected a file of qconvert calibrate");
  if (!root.contains("version") || root["version"] != kVersion) {
    throw Error(
        ExitCode::kData, place,
        fmt::format("is of another version, expected version {}; qconvert calibrate makes one",
                    kVersion));
  }
  return TableReader(root, place).Read();
}

}  // namespace qconvert
