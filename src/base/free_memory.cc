#include "qconvert/base/free_memory.h"

#include <malloc.h>

namespace qconvert {

void ReturnFreeMemory() { malloc_trim(0); }

}  // namespace qconvert
