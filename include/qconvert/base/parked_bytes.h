// Large bytes that stand in a file as well: while nobody reads them they need no memory.
#ifndef QCONVERT_BASE_PARKED_BYTES_H_
#define QCONVERT_BASE_PARKED_BYTES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "qconvert/base/file.h"

namespace qconvert {

using SharedBytes = std::shared_ptr<const std::string>;

// From this many on a buffer has pages that nothing else lies in.
inline constexpr int64_t kLeastParked = int64_t{64} << 20;

// Says that `bytes` are those of the file from `offset` on. Passed over where they are fewer than
// kLeastParked. The file stays open as long as they live.
void NoteStoredBytes(const SharedBytes& bytes, std::shared_ptr<const InputFile> file,
                     int64_t offset);

// Bytes that are read where they lie as long as this lives: they stay. Copyable.
class HeldBytes {
 public:
  HeldBytes() = default;
  explicit HeldBytes(std::vector<SharedBytes> bytes);

 private:
  std::shared_ptr<const void> hold_;
};

// Calls `work` while noted bytes that nobody holds and that are not in `read` are out of memory:
// whoever looks at them meanwhile ends the process. However `work` ends, they are read again.
// Throws what `work` throws; Error(kFile) where the file cannot be read or is another one by now,
// Error(kResource) where their memory has gone to others.
void WithOthersParked(const std::set<const std::string*>& read, const std::function<void()>& work);

}  // namespace qconvert

#endif  // QCONVERT_BASE_PARKED_BYTES_H_
