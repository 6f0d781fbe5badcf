// Files and folders that must not outlive a run that does not end well.
#ifndef QCONVERT_BASE_PROVISIONAL_H_
#define QCONVERT_BASE_PROVISIONAL_H_

#include <filesystem>

namespace qconvert {

struct ProvisionalEntry;

// A file or an empty folder that goes again unless it is kept: when this is destroyed, when a
// signal ends the process (base/signals.h), or when the process dies and another one that shares
// the list calls RemoveProvisionals. The path need not exist yet, or any more. Movable, not
// copyable.
class Provisional {
 public:
  Provisional() = default;
  explicit Provisional(const std::filesystem::path& path);
  ~Provisional();
  Provisional(Provisional&& other) noexcept;
  Provisional& operator=(Provisional&& other) noexcept;
  Provisional(const Provisional&) = delete;
  Provisional& operator=(const Provisional&) = delete;

  // From here on it stays.
  void Keep();

 private:
  ProvisionalEntry* entry_ = nullptr;
};

// Makes the list, which children that are forked from then on share with this process. Made on
// first use otherwise.
void ShareProvisionals();

// Removes all that is on the list, files before the folders they lie in. Async-signal-safe.
void RemoveProvisionals();

}  // namespace qconvert

#endif  // QCONVERT_BASE_PROVISIONAL_H_
