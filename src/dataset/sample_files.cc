#include "sample_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <utility>

#include "qconvert/base/error.h"
#include "qconvert/base/file.h"
#include "qconvert/base/suggest.h"
#include "qconvert/dataset/plain_name.h"
#include "qconvert/dataset/sample_folder.h"

namespace qconvert {
namespace {

using Paths = std::vector<std::filesystem::path>;

constexpr size_t kMaxListed = 5;  // names in an error
constexpr const char* kExpected = ".npy, .npz or .bin files, or pictures (.jpg, .png)";

bool IsFolder(const std::filesystem::path& path) {
  std::error_code ignored;  // a name may be too long for a file
  return std::filesystem::is_directory(path, ignored);
}

bool IsFile(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

void CheckFolder(const std::filesystem::path& folder) {
  CheckSampleFolder(folder);
  if (IsFolder(folder)) return;
  throw Error(ExitCode::kData, folder.string(),
              fmt::format("is not a folder, expected a folder of {}", kExpected));
}

std::string List(const std::vector<std::string>& names) {
  std::vector<std::string> shown(names.begin(), names.begin() + std::min(names.size(), kMaxListed));
  if (names.size() > kMaxListed) shown.push_back(fmt::format("{} more", names.size() - kMaxListed));
  return fmt::format("{}", fmt::join(shown, ", "));
}

// "3 inputs need one sub-folder each: input float[1,512], state float[2,1,128], sr int64[]".
std::string Needed(const std::vector<Value>& inputs) {
  std::vector<std::string> texts;
  for (const Value& input : inputs) {
    texts.push_back(fmt::format("{} {}{}", PlainName(input.name), DataTypeName(input.type.element),
                                ShapeText(input)));
  }
  return inputs.size() == 1
             ? "expected samples of input " + texts[0]
             : fmt::format("{} inputs need one sub-folder each: {}", inputs.size(), List(texts));
}

// "it holds 16 files such as 0000.npy" or "it holds folders a, b".
std::string Held(const std::filesystem::path& folder) {
  std::vector<std::string> files;
  std::vector<std::string> folders;
  for (const auto& entry : ListFolder(folder))
    (IsFolder(entry) ? folders : files).push_back(entry.filename().string());
  if (files.empty() && folders.empty()) return "it is empty";
  std::string text = "it holds";
  if (!folders.empty()) text += (folders.size() == 1 ? " folder " : " folders ") + List(folders);
  if (!files.empty() && !folders.empty()) text += " and";
  if (files.size() == 1) text += " file " + files[0];
  if (files.size() > 1) text += fmt::format(" {} files such as {}", files.size(), files[0]);
  return text;
}

// The word of the settings for files of a kind; of an unknown one they are headerless.
std::string_view FormatOf(SampleFileKind kind) {
  if (kind == SampleFileKind::kPicture) return "picture";
  const bool has_header = kind == SampleFileKind::kNpy || kind == SampleFileKind::kNpz;
  return has_header ? "npy" : "bin";
}

// Of a folder, or one file alone.
Paths FilesIn(const std::filesystem::path& folder, const SampleSourceOptions& options) {
  const bool is_file = IsFile(folder);
  if (!is_file) CheckFolder(folder);
  Paths files;
  for (const auto& entry : is_file ? Paths{folder} : ListFolder(folder)) {
    const SampleFileKind kind = KindOf(entry);
    const bool is_unknown = kind == SampleFileKind::kNone;
    // A folder among the files is no sample, whatever names are let through.
    if (is_unknown && (!options.any_name_is_raw || IsFolder(entry)))
      throw Error(ExitCode::kData, entry.string(), fmt::format("is none of {}", kExpected));
    if (options.format != "auto" && options.format != FormatOf(kind)) {
      const bool pictures = options.format == "picture";
      throw Error(ExitCode::kData, entry.string(),
                  fmt::format("is no {}{}, as the settings say", pictures ? "" : ".",
                              pictures ? "picture" : options.format + " file"));
    }
    files.push_back(entry);
  }
  if (files.empty()) {
    throw Error(ExitCode::kData, folder.string(),
                fmt::format("holds no samples, expected {}", kExpected));
  }
  return files;
}

// Whether a name may be a path below a folder: nothing that leads to the folder itself or out of
// it.
bool LeadsBelow(const std::string& name) {
  const std::filesystem::path path(name);
  return !path.empty() && path.is_relative() && name.find('\0') == std::string::npos &&
         std::none_of(path.begin(), path.end(), [](const std::filesystem::path& part) {
           return part == ".." || part == "." || part.empty();
         });
}

// The sub-folder of one input: its name, or that as a file name.
std::filesystem::path InputFolder(const std::filesystem::path& folder, const Value& input,
                                  const std::vector<Value>& inputs) {
  const std::string plain = PlainName(input.name);
  for (const std::string& name : {input.name, plain}) {
    if (LeadsBelow(name) && IsFolder(folder / name)) return folder / name;
  }
  std::vector<std::string> present;
  for (const auto& entry : ListFolder(folder)) present.push_back(entry.filename().string());
  throw Error(ExitCode::kData, folder.string(),
              fmt::format("has no sub-folder for input \"{}\"{}; {}; {}", input.name,
                          DidYouMean(plain, present), Held(folder), Needed(inputs)));
}

bool HoldsFoldersOnly(const std::filesystem::path& folder) {
  const Paths entries = ListFolder(folder);
  return !entries.empty() && std::all_of(entries.begin(), entries.end(), IsFolder);
}

// As the settings name them.
Paths GivenFolders(const std::vector<Value>& inputs, const SampleSourceOptions& options) {
  Paths out;
  for (const Value& input : inputs) {
    const auto given = options.folders.find(input.name);
    if (given == options.folders.end()) {
      throw Error(ExitCode::kData, "",
                  fmt::format("no calibration folder is given for input \"{}\"; {}", input.name,
                              Needed(inputs)));
    }
    out.push_back(given->second);
  }
  return out;
}

// The folder of each input: a sub-folder, or `folder` itself for a single input.
Paths FolderPerInput(const std::filesystem::path& folder, const std::vector<Value>& inputs) {
  if (inputs.size() == 1 && !HoldsFoldersOnly(folder)) return {folder};
  Paths out;
  for (const Value& input : inputs) {
    out.push_back(InputFolder(folder, input, inputs));
    const auto same = std::find(out.begin(), out.end() - 1, out.back());
    if (same == out.end() - 1) continue;
    throw Error(ExitCode::kData, out.back().string(),
                fmt::format("is the sub-folder of input \"{}\" and of input \"{}\"",
                            inputs[static_cast<size_t>(same - out.begin())].name, input.name));
  }
  return out;
}

void CheckPairs(const std::vector<Paths>& files, const Paths& folders,
                const std::vector<Value>& inputs) {
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (files[i].size() != files[0].size()) {
      throw Error(ExitCode::kData, folders[i].string(),
                  fmt::format("has {} files for input \"{}\", but there are {} for \"{}\"",
                              files[i].size(), inputs[i].name, files[0].size(), inputs[0].name));
    }
    for (size_t f = 0; f < files[i].size(); ++f) {
      // By stem: a picture of one input and an array of another may belong together.
      if (!IsFile(folders[i]) && files[i][f].stem() != files[0][f].stem()) {
        throw Error(ExitCode::kData, files[i][f].string(),
                    fmt::format("has no partner for input \"{}\", which has {}", inputs[0].name,
                                files[0][f].filename().string()));
      }
    }
  }
}

// A folder of archives, each with the arrays of all inputs.
bool HoldsArchives(const std::filesystem::path& folder) {
  const Paths entries = ListFolder(folder);
  return !entries.empty() && std::all_of(entries.begin(), entries.end(), [](const auto& entry) {
    return KindOf(entry) == SampleFileKind::kNpz;
  });
}

}  // namespace

SampleFileKind KindOf(const std::filesystem::path& file) {
  using Kind = SampleFileKind;
  static constexpr std::array<std::pair<std::string_view, Kind>, 9> kKinds = {
      {{".npy", Kind::kNpy},
       {".npz", Kind::kNpz},
       {".bin", Kind::kRaw},
       {".raw", Kind::kRaw},
       {".rgb", Kind::kRaw},
       {".yuv", Kind::kRaw},
       {".jpg", Kind::kPicture},
       {".jpeg", Kind::kPicture},
       {".png", Kind::kPicture}}};
  std::string extension = file.extension().string();
  // Cameras write .JPG. No locale has a say in this.
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const auto* const it = std::find_if(kKinds.begin(), kKinds.end(),
                                      [&](const auto& kind) { return kind.first == extension; });
  return it == kKinds.end() ? Kind::kNone : it->second;
}

std::string ShapeText(const Value& input) {
  if (!input.type.shape) return " of any shape";
  std::vector<std::string> dims;
  for (const Dim& dim : *input.type.shape) {
    dims.push_back(dim.known() ? std::to_string(dim.value) : dim.symbol.empty() ? "?" : dim.symbol);
  }
  return fmt::format("[{}]", fmt::join(dims, ","));
}

std::vector<Paths> FindSampleFiles(const std::filesystem::path& folder,
                                   const std::vector<Value>& inputs,
                                   const SampleSourceOptions& options) {
  Paths folders;
  if (!options.folders.empty()) {
    folders = GivenFolders(inputs, options);
  } else {
    CheckFolder(folder);
    // Before sub-folders are looked for: the arrays in an archive say whose they are.
    if (HoldsArchives(folder)) return std::vector<Paths>(inputs.size(), FilesIn(folder, options));
    folders = FolderPerInput(folder, inputs);
  }
  std::vector<Paths> files;
  for (const auto& one : folders) files.push_back(FilesIn(one, options));
  CheckPairs(files, folders, inputs);
  return files;
}

}  // namespace qconvert
