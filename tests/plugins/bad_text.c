/* Names that are not UTF-8, and lengths beyond their rooms. */
#include "base.h"

static unmask_status bad_device(uint32_t index, unmask_device_row *out, unmask_error_slot *error) {
  unmask_status status = good_device(index, out, error);
  PUT(out->name, "d\xc3");
  memset(out->id.bytes, 'i', sizeof out->id.bytes);
  out->id.len = 0xffffffffu;
  return status;
}

static unmask_status bad_load(const unmask_load_table *spec, void **model, unmask_error_slot *error) {
  (void)spec, (void)model;
  memset(error->message.bytes, 'm', sizeof error->message.bytes);
  error->message.len = 0xfffffff0u;
  return -12345;
}

#undef NAME
#define NAME "bad\xfe"
#undef DEVICE
#define DEVICE bad_device
#undef LOAD
#define LOAD bad_load

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
