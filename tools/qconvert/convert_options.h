// From the command line of a conversion to what the library is asked for.
#ifndef QCONVERT_TOOLS_QCONVERT_CONVERT_OPTIONS_H_
#define QCONVERT_TOOLS_QCONVERT_CONVERT_OPTIONS_H_

#include <filesystem>
#include <string>

#include "convert_line.h"
#include "qconvert/config/export_config.h"
#include "qconvert/config/plan_file.h"
#include "qconvert/config/read_config.h"
#include "qconvert/pipeline/convert.h"

namespace qconvert {

// The settings of a file with those of the command line on top.
LoadedConfig LoadConfig(const ConvertLine& line, const std::filesystem::path& file);
// The same as they were written, for --export-config.
WrittenConfig ReadSettings(const ConvertLine& line, const std::filesystem::path& file);

// For the config of this name, "" for the default one; of a line with --quant-info or --float-only
// without any. Throws ConfigError, Error(kFile), Error(kUsage).
ConvertOptions MakeConvertOptions(const ConvertLine& line, const std::string& config);
// The same by settings that were read from `file`.
ConvertOptions MakeConvertOptions(const ConvertLine& line, const std::filesystem::path& file,
                                  LoadedConfig loaded);

// Where the model of one of several configs goes.
std::filesystem::path OutputOfConfig(const std::filesystem::path& model,
                                     const std::filesystem::path& config);

// Goes by `plan`, which must stay: the settings that it follows from are its own.
void ApplyPlanFile(const PlanFile& plan, ConvertOptions& options);

// The settings of the first model that has a limit hold where the command line says nothing.
void ShareCeilingsOf(const ConvertLine& line, const std::vector<ConvertOptions>& all);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_CONVERT_OPTIONS_H_
