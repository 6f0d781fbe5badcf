// The readers behind ReadConfig, one per language. Each takes the parsed file with the overrides in
// it and goes on after a problem.
#ifndef QCONVERT_CONFIG_LANGUAGES_H_
#define QCONVERT_CONFIG_LANGUAGES_H_

#include <filesystem>
#include <string>

#include "qconvert/config/config_node.h"
#include "qconvert/config/quant_config.h"
#include "setting_table.h"

namespace qconvert {

// Where problems and notes of one file go, and what relative paths in it are relative to.
struct ReadContext {
  ConfigProblems problems;
  ConfigProblems unimplemented;  // what is understood, but cannot be done
  ConfigNotes notes;
  std::filesystem::path folder;
  std::string text;  // of every file read

  void NotYet(const ConfigPlace& place, const std::string& what) {
    unimplemented.Add(place, "not implemented yet: " + what);
  }
};

struct ReadResult {
  QuantConfig config;
  ConfigNode effective;
};

const SettingTable& PaddleTable();
const SettingTable& HorizonTable();

// `root` has been checked against VitisTable().
ReadResult ReadVitis(const ConfigNode& root, ReadContext& context);
// Paddle's keys -> those of Vitis, with their places. `root` has been checked against
// PaddleTable().
ConfigNode TranslatePaddle(const ConfigNode& root, ReadContext& context);
// `root` has been checked against HorizonTable().
ReadResult ReadHorizon(const ConfigNode& root, ReadContext& context);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_LANGUAGES_H_
