// Files of tests are gone in a moment: none of them waits for the disk. That qconvert does, and
// what it does when that fails, is seen from outside (tests/tools/interrupt_test.sh).
#include <unistd.h>

int fsync(int /*descriptor*/) { return 0; }
