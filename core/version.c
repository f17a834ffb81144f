/* The library's own translation unit: everything else comes out of repartee_core. */
#include <repartee/plugin.h>

RP_EXPORT unsigned rp_abi_version(void);
unsigned rp_abi_version(void) {
    return (unsigned)RP_ABI_MAJOR << 16 | RP_ABI_MINOR;
}
