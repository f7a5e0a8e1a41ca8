/* Never stops listing devices. */
#include "base.h"

static unmask_status bad_device(uint32_t index, unmask_device_row *out, unmask_error_slot *error) {
  (void)index;
  return good_device(0, out, error);
}

#undef DEVICE
#define DEVICE bad_device
#undef NAME
#define NAME "endless"

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
