// config_reference ROOT: writes configs/schema and the key tables of docs/config.md from the tables
// that the readers use. A test fails while the files are not what this would write.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include "config_reference.h"
#include "qconvert/base/file.h"

namespace qconvert {
namespace {

void WriteReferences(const std::filesystem::path& root) {
  const std::filesystem::path page = root / "docs" / "config.md";
  WriteFile(page, FillReference(ReadFile(page)));
  for (const std::string& dialect : DialectNames())
    WriteFile(root / "configs" / "schema" / SchemaFileName(dialect), JsonSchema(dialect));
}

}  // namespace
}  // namespace qconvert

int main(int argc, char** argv) {
  try {
    qconvert::WriteReferences(argc > 1 ? argv[1] : ".");
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "config_reference: %s\n", e.what());
    return 1;
  }
}
