// A catalogue of config files that go wrong, as files: exit code, one line each, no crash, no hang.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/read_config.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

struct Row {
  const char* id;
  const char* what;
  std::string text;
  const char* message;          // part of one of the problems
  const char* file = "c.yaml";  // its name decides whether it must be JSON
  bool either = false;          // may also be accepted
};

std::string Repeated(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

std::string With(const std::string& more) {
  return "target_device: CPU\nscale_type: float\nmethod: maxmin\ncalib_statistic_method: all\n" +
         more;
}

std::vector<Row> Rows() {
  const auto nul = [](const char* text, size_t size) { return std::string(text, size); };
  return {
      {"C03", "empty config", "", "is empty, expected settings"},
      {"C04", "only comments", "# a\n# b\n", "is empty, expected settings"},
      {"C05", "random bytes", nul("\x8a\x00\xff\x13\x9c\xfe", 6), "holds a NUL byte"},
      {"C06", "tab indentation", "a:\n\tb: 1\n", "c.yaml:2:"},
      {"C07", "unclosed bracket", With("quantizable_data_type: [weights\n"), "c.yaml:"},
      {"C08", "a list at top level", "- a\n- b\n", "expected a map of settings"},
      {"C09", "a word at top level", "int8\n", "expected a map of settings"},
      {"C10", "100000 open brackets", Repeated("[", 100000), "nested deeper than 64"},
      {"C11", "100000 nested block lists", Repeated("- ", 100000), "nested deeper than 64"},
      {"C12", "alias bomb", "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n",
       "anchors are not allowed"},
      {"C13", "a list that contains itself", "a: &a [*a]\n", "anchors are not allowed"},
      {"C14", "the same key twice", With("include_cle: false\ninclude_cle: true\n"),
       "key 'include_cle' is given twice, first at line 5"},
      {"C15", "a typing error", With("inclde_cle: false\n"), "did you mean 'include_cle'?"},
      {"C16", "text where a number belongs", With("bit_width: eight\n"), "bit_width is 'eight'"},
      {"C17", "a list where a number belongs", With("bit_width: [8]\n"), "bit_width is 'a list'"},
      {"C18", "a map where a word belongs", With("datatype: {a: 1}\n"), "datatype is 'a map'"},
      {"C19", "batch size 0", With("calibration: {batch_size: 0}\n"), "batch_size is '0'"},
      {"C20", "batch size -1", With("calibration: {batch_size: -1}\n"), "batch_size is '-1'"},
      {"C21", "batch size 2^64", With("calibration: {batch_size: 18446744073709551616}\n"),
       "batch_size is '18446744073709551616'"},
      {"C22", "batch size 2.5", With("calibration: {batch_size: 2.5}\n"), "batch_size is '2.5'"},
      {"C23", "percentile .nan", With("percentage: .nan\n"), "percentage is '.nan'"},
      {"C24", "percentile .inf", With("percentage: .inf\n"), "percentage is '.inf'"},
      {"C25", "percentile 150", With("percentage: 150\n"), "percentage is '150'"},
      {"C26", "percentile -1", With("percentage: -1\n"), "percentage is '-1'"},
      {"C27", "percentile 0", With("percentage: 0\n"), "percentage is '0'"},
      {"C28", "unknown method", "target_device: CPU\nmethod: minmax\n", "method is 'minmax'"},
      {"C29", "unknown activation type",
       With("tensor_quantize_config: {activation: {datatype: uint7}}\n"), "datatype is 'uint7'"},
      {"C30", "unknown weight type", With("tensor_quantize_config: {weights: {datatype: q4}}\n"),
       "datatype is 'q4'"},
      {"C31", "excluded node does not exist",
       With("layer_quantize_config: [{layer_name: nobody, datatype: float32}]\n"),
       "unknown key 'datatype'", "c.yaml", true},
      {"C32", "unknown operator type", With("layer_quantize_config: [{layer_type: Convx}]\n"),
       "unknown layer_type 'Convx', did you mean 'Conv'?", "c.yaml", true},
      {"C35", "UTF-16",
       nul("\xff\xfe"
           "a\0:\0 \0"
           "1\0",
           10),
       "holds a NUL byte", "c.yaml", true},
      {"C36", "invalid UTF-8", With("march: \xc3\x28\n"), "is not UTF-8 text"},
      {"C37", "NUL byte", With(nul("a\0b: 1\n", 7)), "holds a NUL byte"},
      {"C38", "JSON with a trailing comma", "{\"target_device\": \"CPU\",}", "a comma before",
       "c.json"},
      {"C39", "JSON cut off", "{\"target_device\": \"CP", "c.json:1:", "c.json"},
      {"C40", "JSON number 1e999", "{\"target_device\": \"CPU\", \"percentage\": 1e999}",
       "a number is too large", "c.json"},
      {"C41", "JSON nested 100000 deep", Repeated("{\"a\":", 100000), "nested deeper than 64",
       "c.json"},
      {"C42", "JSON with a key twice and two values",
       "{\"target_device\": \"CPU\", \"target_device\": \"GPU\"}", "is given twice", "c.json"},
      {"C43", "JSON with NaN", "{\"target_device\": \"CPU\", \"percentage\": NaN}", "is not JSON",
       "c.json"},
      {"C44", "JSON followed by more JSON", "{\"target_device\": \"CPU\"}{}", "is not JSON",
       "c.json"},
      {"C45", "YAML in a .json file", "target_device: CPU\n", "a file of YAML is named .yaml",
       "c.json"},
      {"C46", "two documents", With("---\ntarget_device: CPU\n"), "a second document", "c.yaml",
       true},
      {"C47", "a language-specific tag", With("round_mode: !!python/name:os.system x\n"), "tag '"},
      {"C48", "an alias without anchor", With("datatype: *x\n"), "c.yaml:5:"},
      {"C49", "threads -1", With("calibration: {workers: -1}\n"), "workers is '-1'"},
      {"C50", "threads 10^9", With("calibration: {workers: 1000000000}\n"), "at most 1024",
       "c.yaml", true},
      {"C51", "threads 'lots'", With("calibration: {workers: lots}\n"), "workers is 'lots'"},
      {"C52", "memory limit -5", With("calibration: {memory_limit: -5}\n"), "memory_limit is '-5'"},
      {"C54", "per_channel: maybe", With("per_channel: maybe\n"), "per_channel is 'maybe'"},
      {"C55", "a 10 MB line", "a: " + std::string(10'000'000, 'x') + "\n", "c.yaml: "},
      {"C56", "50000 unknown keys",
       [] {
         std::string text = With("");
         for (int i = 0; i < 50000; ++i) text += "k" + std::to_string(i) + ": 1\n";
         return text;
       }(),
       "49900 more problems"},
      {"C58", "calibration folder is empty", With("calibration: {data: ''}\n"), "data is ''"},
      {"C59", "calibration folder is a list", With("calibration: {data: [a]}\n"),
       "data is 'a list'"},
      {"C60", "max_samples 0", With("calibration: {max_samples: 0}\n"), "max_samples is '0'"},
      {"C61", "max_samples -3", With("calibration: {max_samples: -3}\n"), "max_samples is '-3'"},
      {"C62", "an empty key", With("'': 1\n"), "unknown key ''"},
      {"C63", "escape codes in an unknown key", With("\"\\e[31mred\": 1\n"),
       "unknown key '\\x1b[31mred'"},
      {"C64", "calibration format unknown", With("calibration: {format: tfrecord}\n"),
       "format is 'tfrecord', expected auto, npy, bin"},
  };
}

TEST(ConfigCatalogueTest, TextsThatGoWrong) {
  for (const Row& row : Rows()) {
    const TempDir folder;
    const auto file = folder.Write(row.file, row.text);
    std::vector<std::string> problems;
    try {
      ReadConfig(file, {});
    } catch (const ConfigError& e) {
      EXPECT_EQ(e.code(), ExitCode::kConfig);
      problems = e.problems();
    }
    EXPECT_TRUE(AnyHolds(problems, row.message))
        << row.id << " " << row.what << ": " << (problems.empty() ? "accepted" : problems[0]);
    for (const std::string& problem : problems) {
      EXPECT_TRUE(problem.starts_with(file.string())) << row.id << " " << problem;
      EXPECT_EQ(problem.find_first_of("\n\r\x1b"), std::string::npos) << row.id;
      EXPECT_LT(problem.size(), 1000U) << row.id;
    }
  }
}

ExitCode CodeOf(const std::filesystem::path& file) {
  try {
    ReadConfig(file, {});
  } catch (const Error& e) {
    EXPECT_TRUE(std::string(e.what()).starts_with(file.string())) << e.what();
    return e.code();
  }
  return ExitCode::kSuccess;
}

TEST(ConfigCatalogueTest, FilesThatCannotBeRead) {
  const TempDir folder;
  EXPECT_EQ(CodeOf(folder / "missing.yaml"), ExitCode::kFile) << "C01";
  EXPECT_EQ(CodeOf(folder.path()), ExitCode::kFile) << "C02";
  ASSERT_EQ(mkfifo((folder / "pipe.yaml").c_str(), 0600), 0);
  EXPECT_EQ(CodeOf(folder / "pipe.yaml"), ExitCode::kFile) << "C57";
  if (geteuid() == 0) return;  // root reads everything
  const auto file = folder.Write("secret.yaml", "target_device: CPU\n");
  ASSERT_EQ(chmod(file.c_str(), 0), 0);
  EXPECT_EQ(CodeOf(file), ExitCode::kFile) << "C65";
}

// C33 (no calibration data) and C34 need the model: tests/golden/bad-no-calibration and here.
TEST(ConfigCatalogueTest, CalibrationForAnInputTheModelLacks) {
  const LoadedConfig loaded = LoadText(With("calibration: {data: {imag: a}}\n"));
  try {
    CheckInputs(loaded.config, loaded.effective, {{"image", true, {1, 3}}});
    FAIL() << "C34";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("c.yaml:5:28: the model has no input 'imag', did you "
                                             "mean 'image'?"));
  }
}

}  // namespace
}  // namespace qconvert
