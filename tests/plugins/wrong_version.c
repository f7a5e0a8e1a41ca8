/* Built for the next major version; calling any function would end the process. */
#include "base.h"

static unmask_status never(const unmask_host_table *host, unmask_error_slot *error) {
  (void)host, (void)error;
  abort();
}

#undef MAJOR
#define MAJOR (UNMASK_ABI_MAJOR + 1)
#undef INIT
#define INIT never

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
