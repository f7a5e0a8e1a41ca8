/* Texts that are not UTF-8, come twice or lie nowhere, and a message of 100,000 bytes. */
#include "base.h"

static unmask_status bad_device(uint32_t index, unmask_device_row *out, unmask_error_slot *error) {
  (void)error;
  if (index > 0) return UNMASK_NO_DEVICE;
  PUT(out->id, "cpu");
  PUT(out->id, "another");
  PUT(out->name, "d\xc3");
  PUT(out->precisions, "f32");
  PUT(out->precisions, "\xff");
  put_bytes(out->precisions, NULL, 3);
  return UNMASK_OK;
}

static unmask_status bad_load(const unmask_load_table *spec, void **model, unmask_error_slot *error) {
  static char message[100000];
  (void)spec, (void)model;
  memset(message, 'm', sizeof message);
  put_bytes(error->message, message, sizeof message);
  return -12345;
}

#undef NAME
#define NAME "bad\xfe"
#undef DEVICE
#define DEVICE bad_device
#undef LOAD
#define LOAD bad_load

UNMASK_EXPORT const unmask_plugin UNMASK_PLUGIN = TABLE;
