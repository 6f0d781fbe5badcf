#include "qconvert/base/processor_info.h"

#include <sys/utsname.h>

#include <array>
#include <fstream>
#include <sstream>

namespace qconvert {
namespace {

// As /proc/cpuinfo writes them: flags of x86 first, then Features of ARM.
constexpr std::array<std::string_view, 13> kInstructionSets = {
    "avx",      "fma",   "avx2",    "avx512f", "avx512_vnni", "avx_vnni", "amx_int8",
    "amx_bf16", "asimd", "asimddp", "sve",     "i8mm",        "bf16"};

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string KnownSets(std::string_view flags) {
  // With spaces around, so that "avx" is not found in "avx2".
  const std::string padded = " " + std::string(flags) + " ";
  std::string known;
  for (const std::string_view set : kInstructionSets) {
    if (padded.find(" " + std::string(set) + " ") == std::string::npos) continue;
    known += (known.empty() ? "" : " ") + std::string(set);
  }
  return known;
}

}  // namespace

std::string ProcessorInfo::Kind() const {
  return architecture + (instruction_sets.empty() ? "" : " " + instruction_sets);
}

ProcessorInfo ParseProcessor(std::string_view cpuinfo, const std::string& architecture) {
  ProcessorInfo processor{.name = {}, .architecture = architecture, .instruction_sets = {}};
  std::istringstream lines{std::string(cpuinfo)};
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string_view key = Trimmed(std::string_view(line).substr(0, colon));
    const std::string_view value = Trimmed(std::string_view(line).substr(colon + 1));
    // Every core has these lines: the first one stands for all.
    if (key == "model name" && processor.name.empty()) processor.name = value;
    // x86 has "flags", ARM "Features" and no model name.
    const bool is_list = key == "flags" || key == "Features";
    if (is_list && processor.instruction_sets.empty())
      processor.instruction_sets = KnownSets(value);
  }
  if (processor.name.empty()) processor.name = architecture;
  return processor;
}

ProcessorInfo ThisProcessor() {
  utsname system{};
  const bool known = uname(&system) == 0;
  std::ifstream file("/proc/cpuinfo");
  std::ostringstream text;
  text << file.rdbuf();
  return ParseProcessor(text.str(), known ? system.machine : "unknown");
}

}  // namespace qconvert
