#include "qconvert/config/dpu_form_names.h"

#include <algorithm>

namespace qconvert {
namespace {

struct Form {
  const char* name;
  bool DpuForms::*member;
};
constexpr Form kForms[] = {{"leaky_relu", &DpuForms::leaky_relu},
                           {"hard_sigmoid", &DpuForms::hard_sigmoid},
                           {"sigmoid", &DpuForms::sigmoid},
                           {"average_pool", &DpuForms::average_pool}};

}  // namespace

// A value for each member: one more form needs one more here.
std::vector<std::string> AllDpuForms() { return NamesOfDpuForms({true, true, true, true}); }

std::vector<std::string> NamesOfDpuForms(const DpuForms& forms) {
  std::vector<std::string> names;
  for (const auto& [name, member] : kForms)
    if (forms.*member) names.emplace_back(name);
  return names;
}

DpuForms FindDpuForms(const std::vector<std::string>& names) {
  DpuForms forms;
  for (const auto& [name, member] : kForms)
    forms.*member = std::find(names.begin(), names.end(), name) != names.end();
  return forms;
}

}  // namespace qconvert
