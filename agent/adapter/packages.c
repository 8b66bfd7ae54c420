/* Locks of the package managers; see packages.h. */
#include "adapter/packages.h"
#include "sys/locks.h"

/* apt holds the first for as long as it goes on, dpkg both; rpm, and with it
 * dnf and zypper, holds its own through every transaction. */
static const char *const lock_files[] = {
        "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/usr/lib/sysimage/rpm/.rpm.lock", "/var/lib/rpm/.rpm.lock",
};

bool packages_busy(void) {
        for (size_t i = 0; i < ELEMENTS(lock_files); i++)
                if (locks_held(lock_files[i]))
                        return true;
        return false;
}
