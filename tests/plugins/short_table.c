/* Says that its table ends before the functions; calling one would end the process. */
#include "base.h"

static unmask_status never(const unmask_host_table *host, unmask_error_slot *error) {
  (void)host, (void)error;
  abort();
}

#undef SIZE
#define SIZE 24
#undef INIT
#define INIT never

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
