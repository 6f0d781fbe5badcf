// config_reference ROOT: writes configs/schema and the key tables of docs/config.md from the tables
// that the readers use. A test fails while the files are not what this would write.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include "qconvert/base/file.h"
#include "qconvert/config/config_reference.h"

namespace qconvert {
namespace {

void Write(const std::filesystem::path& path, const std::string& text) {
  AtomicFile file(path);
  file.Write(text);
  file.Commit();
}

void WriteAll(const std::filesystem::path& root) {
  const std::filesystem::path page = root / "docs" / "config.md";
  Write(page, FillReference(ReadFile(page)));
  for (const ConfigLanguage language : kConfigLanguages)
    Write(root / "configs" / "schema" / SchemaFileName(language), JsonSchema(language));
}

}  // namespace
}  // namespace qconvert

int main(int argc, char** argv) {
  try {
    qconvert::WriteAll(argc > 1 ? argv[1] : ".");
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "config_reference: %s\n", e.what());
    return 1;
  }
}
