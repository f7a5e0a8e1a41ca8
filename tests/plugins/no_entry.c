/* A library, but no backend. */
#if defined(_WIN32)
__declspec(dllexport)
#endif
int something_else(void);

int something_else(void) { return 1; }
