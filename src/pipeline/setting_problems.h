// What is wrong with settings of a model, found by several steps and told at once.
#ifndef QCONVERT_SRC_PIPELINE_SETTING_PROBLEMS_H_
#define QCONVERT_SRC_PIPELINE_SETTING_PROBLEMS_H_

#include <string>
#include <vector>

#include "qconvert/config/config_node.h"

namespace qconvert {

class SettingProblems {
 public:
  // Runs a step. Its ConfigError is kept: later steps have problems of their own to tell.
  template <typename Step>
  void Collect(const Step& step) {
    try {
      step();
    } catch (const ConfigError& e) {
      texts_.insert(texts_.end(), e.problems().begin(), e.problems().end());
    }
  }

  // Throws ConfigError with what was kept, in the order of the steps.
  void ThrowIfAny() const {
    if (!texts_.empty()) throw ConfigError(texts_);
  }

 private:
  std::vector<std::string> texts_;
};

}  // namespace qconvert

#endif  // QCONVERT_SRC_PIPELINE_SETTING_PROBLEMS_H_
