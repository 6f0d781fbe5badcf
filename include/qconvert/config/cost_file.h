// The file of --cost-table: what kernels take on some processor, by the names of a cost table.
#ifndef QCONVERT_CONFIG_COST_FILE_H_
#define QCONVERT_CONFIG_COST_FILE_H_

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace qconvert {

inline constexpr const char* kCostFileFormat = "qconvert cost table";
inline constexpr int kCostFileVersion = 1;

// The nanoseconds of `terms`, in their order. Throws ConfigError with all problems: terms that are
// missing, unknown or below 0, a file of another kind; Error(kFile) when it cannot be read.
std::vector<double> ReadCostFile(const std::filesystem::path& file,
                                 const std::vector<std::string>& terms);
std::vector<double> ParseCostFile(const std::string& text, const std::filesystem::path& file,
                                  const std::vector<std::string>& terms);

// The text of such a file; times to the tenth of a picosecond.
std::string CostFileText(const std::vector<std::string>& terms, std::span<const double> ns,
                         const std::string& tool, const std::string& engine);

}  // namespace qconvert

#endif  // QCONVERT_CONFIG_COST_FILE_H_
