/* SPDX-License-Identifier: Apache-2.0 */
/* The system's names, and calls that are not there. Calls: uname sethostname sysinfo */
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "check.h"

int main(void)
{
    int major, minor;
    struct utsname name;
    struct sysinfo info;
    memset(&name, 0xff, sizeof(name));
    CHECK(uname(&name) == 0);
    printf("%s on %s\n", name.sysname, name.machine);
    CHECK(sscanf(name.release, "%d.%d", &major, &minor) == 2 && major >= 5);
    CHECK(memchr(name.nodename, 0, sizeof(name.nodename)) && name.version[0] != 0);
    CHECK_ERRNO(syscall(SYS_uname, 8), EFAULT);

    CHECK_ERRNO(syscall(SYS_sethostname, "x", -1), EINVAL);
    CHECK_ERRNO(syscall(SYS_sethostname, "x", 65), EINVAL);
    CHECK_ERRNO(syscall(SYS_sethostname, 8, 10), EFAULT);

    memset(&info, 0xff, sizeof(info));
    CHECK(sysinfo(&info) == 0 && info.totalram > 0 && info.procs > 0 && info.mem_unit > 0);
    CHECK(info.freeram <= info.totalram && info.uptime >= 0);
    CHECK_ERRNO(syscall(SYS_sysinfo, 8), EFAULT);
    printf("names and information\n");

    long numbers[] = {5000, 1 << 20, -1, 380, 400};
    for (int i = 0; i < 5; i++)
        CHECK_ERRNO(syscall(numbers[i], 1, 2, 3, 4, 5, 6), ENOSYS);
    printf("no such call\n");
    return 0;
}
