/* A library that does not come to an end while it is opened. */
#include <unistd.h>

__attribute__((constructor)) static void wait_for_ever(void) {
  for (;;) pause();
}
