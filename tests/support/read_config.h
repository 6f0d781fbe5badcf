// Config texts for tests: what they say, or what is wrong with them.
#ifndef QCONVERT_TESTS_SUPPORT_READ_CONFIG_H_
#define QCONVERT_TESTS_SUPPORT_READ_CONFIG_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "qconvert/config/read_config.h"

namespace qconvert {

// `text` as if it were a file of that name, with --set texts on top.
inline LoadedConfig LoadText(const std::string& text, const std::vector<std::string>& sets = {},
                             const std::string& file = "c.yaml") {
  std::vector<ConfigOverride> overrides;
  for (const std::string& set : sets) overrides.push_back({set, "--set " + set});
  return ParseConfigText(text, file, overrides);
}

// All problems of `text`.
inline std::vector<std::string> ProblemsOf(const std::string& text,
                                           const std::vector<std::string>& sets = {},
                                           const std::string& file = "c.yaml") {
  try {
    LoadText(text, sets, file);
    return {};
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.code(), ExitCode::kConfig);
    return e.problems();
  }
}

// True when one of the lines holds `part`.
inline bool AnyHolds(const std::vector<std::string>& lines, const std::string& part) {
  for (const std::string& line : lines) {
    if (line.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_READ_CONFIG_H_
