// External data: nothing outside the model's folder is ever read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "onnx-ml.pb.h"
#include "qconvert/base/error.h"
#include "qconvert/loader/onnx_loader.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

std::string ModelWith(const Entries& entries) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(13);
  auto* tensor = model.mutable_graph()->add_initializer();
  tensor->set_name("w");
  tensor->set_data_type(1);
  tensor->add_dims(2);
  tensor->set_data_location(onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] : entries) {
    auto* entry = tensor->add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
  auto* node = model.mutable_graph()->add_node();
  node->set_op_type("Relu");
  node->add_input("w");
  node->add_output("y");
  model.mutable_graph()->add_output()->set_name("y");
  return model.SerializeAsString();
}

class ExternalDataTest : public testing::Test {
 protected:
  ExternalDataTest() {
    folder_.Write("m/w.bin", std::string("\0\0\x80\x3f\0\0\0\x40", 8));  // 1, 2
    folder_.Write("secret.bin", "12345678");
  }

  std::string LoadError(const Entries& entries) {
    try {
      LoadOnnx(folder_.Write("m/model.onnx", ModelWith(entries)));
    } catch (const Error& e) {
      code_ = e.code();
      return e.what();
    }
    return "";
  }

  TempDir folder_;
  ExitCode code_ = ExitCode::kSuccess;
};

TEST_F(ExternalDataTest, ReadsWithAndWithoutOffsetAndLength) {
  for (const Entries& entries : {Entries{{"location", "w.bin"}},
                                 Entries{{"location", "w.bin"}, {"offset", "0"}, {"length", "8"}},
                                 Entries{{"location", "./w.bin"}}}) {
    const LoadedModel loaded = LoadOnnx(folder_.Write("m/model.onnx", ModelWith(entries)));
    EXPECT_THAT(loaded.model.graph.initializers.at("w").values<float>(),
                testing::ElementsAre(1, 2));
    EXPECT_EQ(loaded.files.size(), 2U);
  }
}

TEST_F(ExternalDataTest, RefusesWhatLeavesTheFolder) {
  std::filesystem::create_directories(folder_ / "m/sub");
  std::filesystem::create_symlink("../secret.bin", folder_ / "m/link.bin");
  std::filesystem::create_symlink("..", folder_ / "m/up");
  const std::vector<std::string> locations = {"../secret.bin",
                                              "sub/../../secret.bin",
                                              "w.bin/../../secret.bin",
                                              "..//./secret.bin",
                                              "..\\secret.bin",
                                              (folder_ / "secret.bin").string(),
                                              "link.bin",
                                              "up/secret.bin",
                                              "C:\\secret.bin",
                                              "",
                                              std::string("w.bin\0x", 7),
                                              "*/_ORT_MEM_ADDR_/*",
                                              "*/_ORT_NATIVE_ENDIAN_MEM_ADDR_/*"};
  for (const std::string& location : locations) {
    const std::string error = LoadError({{"location", location}});
    EXPECT_THAT(error, testing::HasSubstr("tensor \"w\"")) << location;
    EXPECT_EQ(code_, ExitCode::kModel) << location << ": " << error;
  }
}

TEST_F(ExternalDataTest, RefusesBadNumbers) {
  const std::vector<std::pair<Entries, const char*>> cases = {
      {{{"offset", "-1"}}, "not a whole number"},
      {{{"offset", "four"}}, "not a whole number"},
      {{{"offset", ""}}, "not a whole number"},
      {{{"offset", "1e3"}}, "not a whole number"},
      {{{"offset", "0x10"}}, "not a whole number"},
      {{{"offset", "+4"}}, "not a whole number"},
      {{{"offset", " 4"}}, "not a whole number"},
      {{{"offset", "18446744073709551616"}}, "not a whole number"},
      {{{"offset", "9"}}, "external data ends at 17"},
      {{{"offset", "9223372036854775807"}}, "impossible offset"},
      {{{"length", "4503599627370496"}}, "does not fit its shape"},
      {{{"length", "4"}}, "does not fit its shape"},
      {{{"length", "-8"}}, "not a whole number"},
      {{{"__class__", "x"}}, "unknown external data key"},
      {{{"location", "w.bin"}}, "twice"},
  };
  for (auto [entries, message] : cases) {
    entries.insert(entries.begin(), {"location", "w.bin"});
    EXPECT_THAT(LoadError(entries), testing::HasSubstr(message));
  }
  EXPECT_THAT(LoadError({}), testing::HasSubstr("no location"));
}

TEST_F(ExternalDataTest, RefusesWhatIsNoFile) {
  ASSERT_EQ(mkfifo((folder_ / "m/pipe").c_str(), 0600), 0);
  EXPECT_NE(LoadError({{"location", "pipe"}}), "");
  EXPECT_NE(LoadError({{"location", "."}}), "");
  EXPECT_THAT(LoadError({{"location", "none.bin"}}), testing::HasSubstr("none.bin"));
  EXPECT_EQ(code_, ExitCode::kFile);
}

TEST_F(ExternalDataTest, AHubCacheOfLinksWorks) {
  folder_.Write("blobs/model", ModelWith({{"location", "weights.bin"}}));
  folder_.Write("blobs/data", std::string(8, '\0'));
  std::filesystem::create_directories(folder_ / "snapshot");
  std::filesystem::create_symlink("../blobs/model", folder_ / "snapshot/model.onnx");
  std::filesystem::create_symlink("../blobs/data", folder_ / "snapshot/weights.bin");
  EXPECT_NO_THROW(LoadOnnx(folder_ / "snapshot/model.onnx"));
}

// `count` initializers of `elements` floats, `step` bytes from one to the next.
std::string ModelOfRegions(int count, int64_t elements, int64_t step) {
  onnx::ModelProto model;
  model.ParseFromString(ModelWith({{"location", "w.bin"}}));
  for (int i = 0; i < count; ++i) {
    auto* tensor = model.mutable_graph()->add_initializer();
    *tensor = model.graph().initializer(0);
    tensor->set_name("w" + std::to_string(i));
    tensor->set_dims(0, elements);
    auto* offset = tensor->add_external_data();
    offset->set_key("offset");
    offset->set_value(std::to_string(i * step));
  }
  return model.SerializeAsString();
}

TEST_F(ExternalDataTest, TensorsOfOneRegionShareItsBytes) {
  const Graph graph =
      LoadOnnx(folder_.Write("m/model.onnx", ModelOfRegions(10'000, 2, 0))).model.graph;
  EXPECT_EQ(graph.initializers.size(), 10'001U);
  for (const auto& [name, tensor] : graph.initializers)
    EXPECT_EQ(tensor.bytes, graph.initializers.at("w").bytes) << name;
}

TEST_F(ExternalDataTest, OverlappingRegionsDoNotFillTheMemory) {
  folder_.Write("m/w.bin", std::string(4096, 'x'));
  EXPECT_NO_THROW(LoadOnnx(folder_.Write("m/model.onnx", ModelOfRegions(3, 1000, 4))));
  try {
    LoadOnnx(folder_.Write("m/model.onnx", ModelOfRegions(24, 1000, 4)));
    FAIL() << "96 kB out of 4";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::kResource);
    EXPECT_THAT(e.what(), testing::HasSubstr("w.bin overlap to more than 4 times its size"));
  }
}

TEST_F(ExternalDataTest, FoldersAndPipesAreNamedWithTheirTensor) {
  std::filesystem::create_directory(folder_ / "m/folder");
  ASSERT_EQ(mkfifo((folder_ / "m/pipe").c_str(), 0600), 0);
  for (const char* location : {"folder", "pipe"}) {
    const std::string message = LoadError({{"location", location}});
    EXPECT_THAT(message, testing::HasSubstr("model.onnx: tensor \"w\""));
    EXPECT_THAT(message, testing::HasSubstr("is no regular file"));
    EXPECT_EQ(code_, ExitCode::kModel);
  }
}

}  // namespace
}  // namespace qconvert
