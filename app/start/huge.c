/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <dirent.h>
#include <stdio.h>

uint64_t eal_huge_free_bytes(void)
{
	DIR *dir = opendir("/sys/kernel/mm/hugepages");
	struct dirent *e;
	uint64_t total = 0;

	if (dir == NULL)
		return 0;
	while ((e = readdir(dir)) != NULL) {
		unsigned long kb, pages = 0;
		char path[320];
		FILE *f;

		if (sscanf(e->d_name, "hugepages-%lukB", &kb) != 1)
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/%s/free_hugepages",
			e->d_name);
		f = fopen(path, "r");
		if (f == NULL)
			continue;
		if (fscanf(f, "%lu", &pages) == 1)
			total += (uint64_t)pages * kb * 1024;
		fclose(f);
	}
	closedir(dir);
	return total;
}
