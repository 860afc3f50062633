/* Copyright 2026 the fuel-plugin-infiniband authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * LD_PRELOAD library: answers ETHTOOL_GDRVINFO for interfaces that stand in for hardware.
 *
 * A file holds one line for each of them, "NAME DRIVER [BUS_INFO]", where NAME is a shell
 * pattern; the variable LAB_DRVINFO names it, else it is
 * /etc/lab/drvinfo.  Every other ioctl, and every other interface, reaches the kernel.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fnmatch.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static int next_ioctl(int fd, unsigned long request, void *argument)
{
	static int (*ioctl_of_libc)(int, unsigned long, ...);

	if (!ioctl_of_libc)
		ioctl_of_libc = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
	return ioctl_of_libc(fd, request, argument);
}

/* Whether the file has a line for the interface; its driver and bus_info then stand in *answer. */
static int find(const char *interface, struct ethtool_drvinfo *answer)
{
	const char *path = getenv("LAB_DRVINFO");
	char line[128], name[IFNAMSIZ], driver[32], bus_info[32];
	int found = 0;
	FILE *file = fopen(path ? path : "/etc/lab/drvinfo", "re");

	if (!file)
		return 0;
	while (!found && fgets(line, sizeof(line), file)) {
		bus_info[0] = '\0';
		if (sscanf(line, "%15s %31s %31s", name, driver, bus_info) < 2 || fnmatch(name, interface, 0) != 0)
			continue;
		memset(answer, 0, sizeof(*answer));
		answer->cmd = ETHTOOL_GDRVINFO;
		strcpy(answer->driver, driver);
		strcpy(answer->bus_info, bus_info);
		found = 1;
	}
	fclose(file);
	return found;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	/* An interface that is gone must fail as it does without us: the kernel is asked first. */
	if (next_ioctl(fd, request, argument) != 0)
		return -1;
	if (request == SIOCETHTOOL) {
		struct ifreq *ask = argument;

		if (*(__u32 *)ask->ifr_data == ETHTOOL_GDRVINFO)
			find(ask->ifr_name, (struct ethtool_drvinfo *)ask->ifr_data);
	}
	return 0;
}
