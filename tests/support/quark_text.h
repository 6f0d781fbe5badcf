// Texts in the Quark language.
#ifndef QCONVERT_TESTS_SUPPORT_QUARK_TEXT_H_
#define QCONVERT_TESTS_SUPPORT_QUARK_TEXT_H_

#include <fmt/format.h>

#include <string>
#include <vector>

#include "support/read_config.h"

namespace qconvert {

inline std::string Spec(const std::string& name) { return "{\"spec\": \"" + name + "\"}"; }

// A tensor object in full.
inline std::string Full(const std::string& type, const std::string& method,
                        const std::string& scale, const std::string& granularity = "Tensor",
                        const std::string& symmetric = "true") {
  return fmt::format(
      "{{\"symmetric\": {}, \"scale_type\": \"ScaleType.{}\", \"calibration_method\": "
      "\"CalibMethod.{}\", \"quant_granularity\": \"QuantGranularity.{}\", \"data_type\": \"{}\"}}",
      symmetric, scale, method, granularity, type);
}

// A file with these tensors and more top-level keys.
inline std::string File(const std::string& values, const std::string& weights,
                        const std::string& more = "") {
  return "{\"global_config\": {\"input_tensors\": " + values + ",\n\"weight\": " + weights + "}" +
         (more.empty() ? "" : ",\n" + more) + "}";
}

inline std::string Int8(const std::string& more = "") {
  return File(Spec("Int8Spec"), Spec("Int8Spec"), more);
}
inline std::string Options(const std::string& options) {
  return Int8("\"extra_options\": {" + options + "}");
}

inline LoadedConfig Load(const std::string& text, const std::vector<std::string>& sets = {}) {
  return LoadText(text, sets, "c.json");
}
inline std::vector<std::string> Problems(const std::string& text) {
  return ProblemsOf(text, {}, "c.json");
}

inline std::string Finetuning(const std::string& name, const std::string& parameters = "") {
  return Int8("\"algo_config\": [{\"name\": \"" + name + "\"" + parameters + "}]");
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_QUARK_TEXT_H_
