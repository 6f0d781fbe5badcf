// Any two settings of one tensor type and of the whole file together: what is taken becomes a file
// that the engine loads and that its plan gives again byte for byte, and what is not says why. Keys
// and words are those of the schema, which the tables of keys write.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "qconvert/base/file.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/exporter/onnx_exporter.h"
#include "qconvert/loader/onnx_loader.h"
#include "qconvert/pipeline/convert.h"
#include "support/graph_builder.h"
#include "support/npy.h"
#include "support/project_folder.h"
#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using Json = nlohmann::json;

constexpr size_t kReplayEvery = 4;

struct Factor {
  std::string key;
  bool of_tensor = false;
  std::vector<std::string> values;
};

// A value for some factors, by index; the others have those of the base.
using Row = std::map<size_t, size_t>;

// Numbers are of no list: some of every kind, inside and outside.
const std::map<std::string, std::vector<std::string>> kNumbers = {
    {"bit_width", {"2", "4", "8", "16", "17"}},
    {"block_size", {"0", "8", "16", "48"}},
    {"percentage", {"99.0"}},
    {"moving_rate", {"0.5"}},
    {"window_size", {"3"}},
    {"onnx_opset_version", {"13", "21", "25"}}};
// What other tests are about, and what the test itself sets.
const std::set<std::string> kLeftOut = {"target_device", "extensions",        "compat",
                                        "include_cle",   "include_bias_corr", "objective",
                                        "effort",        "include_fast_ft",   "processor"};

void AddFactors(const Json& properties, bool of_tensor, std::vector<Factor>& out) {
  for (const auto& [key, schema] : properties.items()) {
    if (kLeftOut.contains(key)) continue;
    Factor factor{key, of_tensor, {}};
    if (schema.contains("enum")) {
      for (const Json& word : schema["enum"])
        factor.values.push_back(word.is_string() ? word.get<std::string>() : word.dump());
    } else if (schema.value("type", "") == "boolean") {
      factor.values = {"true", "false"};
    } else if (kNumbers.contains(key)) {
      factor.values = kNumbers.at(key);
    }
    if (!factor.values.empty()) out.push_back(std::move(factor));
  }
}

std::vector<Factor> FactorsOf(const std::string& tensor) {
  const Json schema = Json::parse(ReadFile(ProjectFolder() / "configs/schema/vitis.schema.json"));
  const Json& top = schema["properties"];
  const Json& parameters = top["tensor_quantize_config"]["properties"][tensor]["properties"];
  std::vector<Factor> out;
  AddFactors(parameters, true, out);
  Json rest = top;
  for (const auto& [key, value] : parameters.items()) rest.erase(key);  // the flat form
  AddFactors(rest, false, out);
  return out;
}

// Settings that the device takes as they are.
std::map<std::string, std::map<std::string, std::string>> BaseOf(const std::string& device) {
  const bool dpu = device == "DPU";
  std::map<std::string, std::map<std::string, std::string>> out;
  for (const char* tensor : {"input", "weights", "bias", "activation"}) {
    auto& of = out[tensor];
    of = {{"method", "maxmin"},
          {"scale_type", dpu ? "poweroftwo" : "float"},
          {"round_mode", dpu ? "std_round" : "half_even"},
          {"symmetry", "true"}};
  }
  if (dpu) out["activation"]["round_mode"] = "half_up";
  for (const char* tensor : {"input", "activation"})
    out[tensor]["calib_statistic_method"] = dpu ? "modal" : "all";
  if (device == "QNN") {
    out["bias"]["bit_width"] = "32";
    out["input"]["symmetry"] = out["activation"]["symmetry"] = "false";
  }
  return out;
}

class Pairs {
 public:
  Pairs(std::string device, std::string tensor)
      : device_(std::move(device)), tensor_(std::move(tensor)), factors_(FactorsOf(tensor_)) {
    GraphBuilder b;
    b.Input("x", {"1", "4", "4", "4"}).Output("y").Output("s");
    b.Random("w", {4, 4, 1, 1}, 0.5F).Random("b", {4}).Random("m", {32, 16}, 0.2F);
    b.Random("g", {16, 3}, 0.2F).Random("h", {3});
    b.Ints("rows", {2}, {2, 32});
    b.Add("Conv", {"x", "w", "b"}, {"c"});
    b.Add("Relu", {"c"}, {"r"});
    b.Add("Add", {"r", "x"}, {"a"});
    b.Add("Reshape", {"a", "rows"}, {"f"});
    b.Add("MatMul", {"f", "m"}, {"p"});
    b.Add("Sigmoid", {"p"}, {"s"});
    b.Add("Gemm", {"s", "g", "h"}, {"y"});
    options_.model = folder_.Write("model.onnx", SerializeModel(b.model));
    options_.calibration_folder = folder_ / "calib";
    options_.output = folder_ / "out.onnx";
    options_.guard = GuardMode::kOff;
    options_.workers = 1;
    for (uint32_t k = 0; k < 3; ++k) {
      inputs_ = {RandomTensor("x", {1, 4, 4, 4}, k + 1)};
      folder_.Write(fmt::format("calib/x/{}.npy", k),
                    NpyFloats(inputs_[0].dims, inputs_[0].values<float>()));
    }
  }

  // Every pair of values is in a file, or refused on its own.
  void Run() {
    for (size_t f = 0; f < factors_.size(); ++f) {
      for (size_t g = f + 1; g < factors_.size(); ++g) {
        if (!IsTried(f, g)) continue;
        for (size_t v = 0; v < factors_[f].values.size(); ++v) {
          for (size_t w = 0; w < factors_[g].values.size(); ++w) Take({{f, v}, {g, w}});
        }
      }
    }
  }

  size_t files() const { return files_; }
  size_t pairs() const { return covered_.size(); }
  size_t refused() const { return refused_; }

 private:
  using Pair = std::tuple<size_t, size_t, size_t, size_t>;

  // Two settings of the whole file are the same pair beside every tensor: once is enough.
  bool IsTried(size_t f, size_t g) const {
    return factors_[f].of_tensor || factors_[g].of_tensor || tensor_ == "weights";
  }

  std::vector<Pair> PairsOf(const Row& row) const {
    std::vector<Pair> out;
    for (auto a = row.begin(); a != row.end(); ++a)
      for (auto b = std::next(a); b != row.end(); ++b)
        if (IsTried(a->first, b->first)) out.emplace_back(a->first, a->second, b->first, b->second);
    return out;
  }

  void Take(const Row& pair) {
    if (covered_.contains(PairsOf(pair)[0])) return;
    const std::vector<std::string> problems = ProblemsOf(TextOf(pair));
    if (!problems.empty()) return Refuse(pair, problems[0]);
    const Row row = Extended(pair);
    std::string reason = Convert(row);
    if (!reason.empty() && row.size() > 2) {
      reason = Convert(pair);
      if (reason.empty()) covered_.insert(PairsOf(pair)[0]);
    } else if (reason.empty()) {
      for (const Pair& one : PairsOf(row)) covered_.insert(one);
    }
    if (!reason.empty()) Refuse(pair, reason);
  }

  void Refuse(const Row& pair, const std::string& reason) {
    ++refused_;
    covered_.insert(PairsOf(pair)[0]);
    EXPECT_FALSE(reason.empty()) << TextOf(pair);
    EXPECT_EQ(reason.find("not implemented yet"), std::string::npos) << reason << TextOf(pair);
  }

  // More values that are still missing beside those of the row, as long as the checker takes them.
  Row Extended(Row row) const {
    for (size_t f = 0; f < factors_.size(); ++f) {
      if (row.contains(f)) continue;
      std::optional<size_t> best;
      size_t most = 0;
      for (size_t v = 0; v < factors_[f].values.size(); ++v) {
        Row longer = row;
        longer[f] = v;
        size_t missing = 0;
        for (const Pair& one : PairsOf(longer)) missing += covered_.contains(one) ? 0 : 1;
        if (missing <= most) continue;
        most = missing;
        best = v;
      }
      if (!best) continue;
      Row longer = row;
      longer[f] = *best;
      if (ProblemsOf(TextOf(longer)).empty()) row = longer;
    }
    return row;
  }

  std::string TextOf(const Row& row) const {
    auto tensors = BaseOf(device_);
    std::string text = fmt::format(
        "target_device: {}\nextensions: true\ninclude_cle: false\ninclude_bias_corr: false\n",
        device_);
    for (const auto& [f, v] : row) {
      const Factor& factor = factors_[f];
      if (factor.of_tensor) {
        tensors[tensor_][factor.key] = factor.values[v];
      } else {
        text += fmt::format("{}: {}\n", factor.key, factor.values[v]);
      }
    }
    text += "tensor_quantize_config:\n";
    for (const auto& [tensor, parameters] : tensors) {
      text += fmt::format("  {}:\n", tensor);
      for (const auto& [key, value] : parameters) text += fmt::format("    {}: {}\n", key, value);
    }
    return text;
  }

  // Why no file came out; empty: one did, and it is sound.
  std::string Convert(const Row& row) {
    const std::string text = TextOf(row);
    SCOPED_TRACE(text);
    ConvertOptions options = options_;
    const LoadedConfig loaded = LoadText(text);
    options.config = loaded.config;
    options.effective_config = loaded.effective;
    try {
      qconvert::Convert(options);
    } catch (const Error& e) {
      EXPECT_THAT(e.code(), testing::AnyOf(ExitCode::kConfig, ExitCode::kNumeric)) << e.what();
      return e.what();
    }
    const std::string bytes = ReadFile(options.output);
    const Model model = LoadOnnx(options.output).model;
    for (const bool optimize : {false, true}) {
      for (const Tensor& output : RunModel(model, inputs_, optimize))
        for (const float v : ToFloats(output)) EXPECT_TRUE(std::isfinite(v));
    }
    if (++files_ % kReplayEvery == 0) Replay(options, bytes);
    return "";
  }

  void Replay(ConvertOptions options, const std::string& bytes) const {
    const PlanFile plan = ParsePlanFile(ReadFile(QuantInfoPath(options.output)), "p.json");
    options.plan = &plan;
    options.config = plan.config;
    options.effective_config = plan.effective;
    options.calibration_folder.clear();
    qconvert::Convert(options);
    EXPECT_TRUE(ReadFile(options.output) == bytes) << "its plan gives another file";
  }

  std::string device_;
  std::string tensor_;
  std::vector<Factor> factors_;
  TempDir folder_;
  ConvertOptions options_;
  std::vector<Tensor> inputs_;
  std::set<Pair> covered_;
  size_t files_ = 0;
  size_t refused_ = 0;
};

class AllPairsTest : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(AllPairsTest, BecomeAFileOrAReason) {
  const auto& [device, tensor] = GetParam();
  Pairs pairs(device, tensor);
  pairs.Run();
  RecordProperty("pairs", static_cast<int>(pairs.pairs()));
  RecordProperty("files", static_cast<int>(pairs.files()));
  RecordProperty("refused", static_cast<int>(pairs.refused()));
  EXPECT_GT(pairs.files(), 5U);
  EXPECT_GT(pairs.pairs(), 1000U);
  EXPECT_LT(pairs.refused(), pairs.pairs());
}

INSTANTIATE_TEST_SUITE_P(Devices, AllPairsTest,
                         testing::Combine(testing::Values("CPU", "GPU", "DPU", "BPU", "QNN"),
                                          testing::Values("weights", "bias", "activation")),
                         [](const auto& one) {
                           return fmt::format("{}_{}", std::get<0>(one.param),
                                              std::get<1>(one.param));
                         });

}  // namespace
}  // namespace qconvert
