// Schemas and pages that are written from the tables are what the tables say.
#include "config_reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qconvert/base/file.h"
#include "support/read_config.h"

namespace qconvert {
namespace {

const std::filesystem::path kRoot = QCONVERT_SOURCE_DIR;
constexpr const char* kAdvice = "run build/bin/config_reference in the project's folder";

TEST(ConfigReferenceTest, SchemasAreUpToDate) {
  for (const std::string& dialect : DialectNames()) {
    const auto file = kRoot / "configs" / "schema" / SchemaFileName(dialect);
    EXPECT_EQ(ReadFile(file) == JsonSchema(dialect), true) << file << ": " << kAdvice;
  }
}

TEST(ConfigReferenceTest, ThePageHasEveryKeyAsItIs) {
  const std::string page = ReadFile(kRoot / "docs" / "config.md");
  EXPECT_EQ(page == FillReference(page), true) << kAdvice;
  for (const std::string& dialect : DialectNames()) {
    const std::string schema = JsonSchema(dialect);
    for (size_t at = schema.find("\"description\""); at != std::string::npos;
         at = schema.find("\"description\"", at + 1)) {
      const size_t key_end = schema.rfind("\": {", at);
      const size_t key = schema.rfind('"', key_end - 1) + 1;
      const std::string name = schema.substr(key, key_end - key);
      EXPECT_THAT(page, testing::HasSubstr("| `" + name + "` |")) << name;
    }
  }
}

TEST(ConfigReferenceTest, EveryPresetIsInThePageAndReads) {
  const std::string page = ReadFile(kRoot / "docs" / "config.md");
  for (const auto& preset : ListFolder(kRoot / "configs")) {
    if (preset.extension() != ".yaml") continue;
    const std::string name = "`" + preset.stem().string() + "`";
    EXPECT_THAT(page, testing::HasSubstr(name));
    EXPECT_NO_THROW(ReadConfig(preset, {})) << name;
  }
}

}  // namespace
}  // namespace qconvert
