// Schemas and pages that are written from the tables are what the tables say.
#include "config_reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "qconvert/base/file.h"
#include "support/project_folder.h"
#include "support/read_config.h"

namespace qconvert {
namespace {

const std::filesystem::path kRoot = ProjectFolder();
constexpr const char* kAdvice = "run build/bin/config_reference in the project's folder";

TEST(ConfigReferenceTest, SchemasAreUpToDate) {
  for (const std::string& dialect : DialectNames()) {
    const auto file = kRoot / "configs" / "schema" / SchemaFileName(dialect);
    EXPECT_EQ(ReadFile(file) == JsonSchema(dialect), true) << file << ": " << kAdvice;
  }
}

// Every map of the schema that refuses unknown keys lets those pass that the reader passes over.
void ExpectCommentsPass(const nlohmann::json& schema, const std::vector<std::string>& comments) {
  if (schema.is_object() && schema.value("additionalProperties", nlohmann::json()) == false) {
    const nlohmann::json patterns = schema.value("patternProperties", nlohmann::json::object());
    ASSERT_EQ(patterns.size(), 1U);
    const std::regex pattern(patterns.items().begin().key());
    for (const std::string& key : comments) EXPECT_TRUE(std::regex_search(key, pattern)) << key;
  }
  for (const auto& part : schema)
    if (part.is_structured()) ExpectCommentsPass(part, comments);
}

TEST(ConfigReferenceTest, SchemasTakeTheCommentsThatAreTaken) {
  const std::vector<std::string> comments = {"$schema", "_why", "//", "// x", "# y"};
  for (const std::string& key : comments)
    EXPECT_NO_THROW(LoadText("{\"target_device\": \"DPU\", \"" + key + "\": 1}", {}, "c.json"));
  for (const std::string& dialect : DialectNames())
    ExpectCommentsPass(nlohmann::json::parse(JsonSchema(dialect)), comments);
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
