// Text -> tree, for whole files and for single values.
#ifndef QCONVERT_CONFIG_TEXT_PARSE_CONFIG_H_
#define QCONVERT_CONFIG_TEXT_PARSE_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "qconvert/config/config_node.h"

namespace qconvert {

inline constexpr int kMaxConfigDepth = 64;
inline constexpr int64_t kMaxConfigBytes = 1 << 20;

// Parses one document, a map. Throws ConfigError naming `file`: syntax errors, a key given twice
// (both lines), anchors, aliases and tags, nesting deeper than kMaxConfigDepth, several documents,
// text that is not UTF-8, an empty document. A file named *.json must hold JSON: comments, trailing
// commas and YAML are refused with a hint. A key given twice with equal values goes into
// `warnings`, where there are any, instead.
ConfigNode ParseConfig(const std::string& text, const std::string& file,
                       std::vector<std::string>* warnings = nullptr);

// The value of a --set: a scalar, or a list or map in YAML's flow style. `source` is its place.
ConfigNode ParseConfigValue(const std::string& text, const std::string& source);

// A default: a value that nobody wrote, in YAML's flow style.
ConfigNode DefaultValue(const std::string& text);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_TEXT_PARSE_CONFIG_H_
