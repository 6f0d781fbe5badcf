#pragma once

#include <filesystem>

namespace qconvert {

/// The checkout, for the files that tests read: presets, examples, pictures. One object alone knows
/// where it lies, so that checkouts share what a compiler cache keeps of the others.
const std::filesystem::path& ProjectFolder();

}  // namespace qconvert
