// HorizonKeys of the Horizon language with values, and what each does to a conversion.
#ifndef QCONVERT_TESTS_SUPPORT_HORIZON_KEY_ROWS_H_
#define QCONVERT_TESTS_SUPPORT_HORIZON_KEY_ROWS_H_

#include <map>
#include <string>
#include <vector>

namespace qconvert {

// HorizonKeys with their values, "section.key"; an empty value is none.
using HorizonKeys = std::map<std::string, std::string>;

enum class KeyEffect {
  kModel,     // another graph
  kFiles,     // files of other names
  kSettings,  // the same model in another way: threads, what is told and drawn
  kRefused,   // an error that says `text`
  kTold,      // a line that says `text`: the key is accepted and has no effect
};

struct HorizonKeyRow {
  std::string key;
  std::string value;
  KeyEffect effect = KeyEffect::kModel;
  std::string text;
  HorizonKeys base = {};      // on top of BaseOf
  std::string only = "both";  // or J5, J6
};

std::vector<HorizonKeyRow> AllHorizonKeyRows();

}  // namespace qconvert

#endif  // QCONVERT_TESTS_SUPPORT_HORIZON_KEY_ROWS_H_
