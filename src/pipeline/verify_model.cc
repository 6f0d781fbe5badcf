#include "qconvert/pipeline/verify_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/refuse_overwriting.h"
#include "qconvert/base/signals.h"
#include "qconvert/base/temporary_folder.h"
#include "qconvert/loader/onnx_loader.h"

namespace qconvert {
namespace {

constexpr int64_t kBlock = int64_t{1} << 20;

// Byte by byte, in pieces.
std::optional<Difference> DiffFiles(const std::filesystem::path& found,
                                    const std::filesystem::path& expected, int64_t& compared) {
  const InputFile a(found);
  const InputFile b(expected);
  const std::string where = "file " + EscapeForTerminal(found.filename().string());
  std::string block_a(kBlock, '\0');
  std::string block_b(kBlock, '\0');
  const int64_t shorter = std::min(a.size(), b.size());
  for (int64_t at = 0; at < shorter; at += kBlock) {
    const int64_t count = std::min(kBlock, shorter - at);
    a.ReadAt(at, count, block_a.data());
    b.ReadAt(at, count, block_b.data());
    const auto end = block_a.begin() + count;
    const auto stop = std::mismatch(block_a.begin(), end, block_b.begin()).first;
    compared += stop - block_a.begin();
    if (stop != end)
      return Difference{where, fmt::format("byte {} is another", at + (stop - block_a.begin())),
                        ""};
  }
  if (a.size() != b.size())
    return Difference{where, fmt::format("{} bytes", a.size()), fmt::format("{}", b.size())};
  return std::nullopt;
}

// What is there; nothing where no loader takes it.
std::optional<LoadedModel> LoadFound(const std::filesystem::path& out,
                                     std::vector<Difference>& differences) {
  try {
    return LoadOnnx(out);
  } catch (const Error& e) {
    // A wrong path is the user's to mend; a file that does not load is a difference.
    if (e.code() == ExitCode::kFile && !std::filesystem::exists(out)) throw;
    differences.push_back({"file", e.what(), "a model"});
    return std::nullopt;
  }
}

// Weights beside the model.
std::vector<std::filesystem::path> DataFiles(const LoadedModel& loaded) {
  return {loaded.files.begin() + 1, loaded.files.end()};
}

void CompareModels(const std::optional<LoadedModel>& found, const VerifyOptions& options,
                   const std::filesystem::path& made, Verification& result) {
  const LoadedModel expected = LoadOnnx(made);
  std::vector<Difference> in_bytes;
  if (auto one = DiffFiles(options.out, made, result.bytes)) in_bytes.push_back(*std::move(one));
  if (found) {
    const auto files = DataFiles(*found);
    const auto wanted = DataFiles(expected);
    for (size_t k = 0; k < std::min(files.size(), wanted.size()); ++k)
      if (auto one = DiffFiles(files[k], wanted[k], result.bytes))
        in_bytes.push_back(*std::move(one));
  }
  // Bytes decide; the parts tell where.
  if (in_bytes.empty()) return;
  std::vector<Difference>& out = result.differences;
  if (found) {
    std::vector<Difference> parts = DiffModels(found->model, expected.model);
    out.insert(out.end(), parts.begin(), parts.end());
  }
  out.insert(out.end(), in_bytes.begin(), in_bytes.end());
}

// The plan to go by. Nothing where the file is no plan, which is told.
std::optional<PlanFile> ReadPlan(const std::filesystem::path& quant_info,
                                 std::vector<Difference>& differences) {
  try {
    return ReadPlanFile(quant_info);
  } catch (const ConfigError& e) {
    for (const std::string& problem : e.problems())
      differences.push_back({"quant_info", problem, ""});
    return std::nullopt;
  }
}

// False when the plan in quant_info does not fit the model, which is told.
bool MakeAgain(const ConvertOptions& options, std::vector<Difference>& differences) {
  try {
    Convert(options);
    ReleaseSignals();
    return true;
  } catch (const ConfigError& e) {
    if (options.plan == nullptr) throw;
    for (const std::string& problem : e.problems())
      differences.push_back({"quant_info", problem, ""});
    return false;
  }
}

}  // namespace

Verification VerifyModel(const VerifyOptions& options) {
  const std::filesystem::path quant_info =
      options.quant_info.empty() ? QuantInfoPath(options.out) : options.quant_info;
  RefuseOverwriting(options.outputs, {options.out, quant_info});
  Verification result{.out = options.out.string(), .model = options.convert.model.string()};
  ConvertOptions convert = options.convert;
  convert.other_outputs = options.outputs;
  result.from_the_start = !convert.calibration_folder.empty() || !convert.table.empty();
  const std::optional<LoadedModel> found = LoadFound(options.out, result.differences);
  const std::string text = ReadFile(quant_info, kMaxPlanFileBytes);
  std::optional<PlanFile> plan;
  if (!result.from_the_start) {
    plan = ReadPlan(quant_info, result.differences);
    if (!plan) return result;
    convert.plan = &*plan;
    convert.config = plan->config;
    convert.effective_config = plan->effective;
    convert.guard = GuardMode::kOff;
  }
  TemporaryFolder folder;
  convert.output = folder.File(options.out.filename().string());
  const std::filesystem::path made_info =
      folder.File(QuantInfoPath(convert.output).filename().string());
  convert.external_data = found && found->files.size() > 1;
  if (!MakeAgain(convert, result.differences)) return result;
  CompareModels(found, options, convert.output, result);
  std::vector<Difference> lines =
      DiffLines("quant_info", text, ReadFile(made_info, kMaxPlanFileBytes));
  result.differences.insert(result.differences.end(), lines.begin(), lines.end());
  result.bytes += static_cast<int64_t>(text.size());
  return result;
}

}  // namespace qconvert
